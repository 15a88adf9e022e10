#!/usr/bin/python3
"""A short campaign of kill -9; kill_campaign.py runs long ones."""
import sys
import unittest

from kill_campaign import ITERATIONS, VICTIMS, Campaign, metrics, newest_checkpoint
from support import AppTest


class Killed(AppTest):
    def test_no_acknowledged_checkpoint_is_lost_and_the_final_bits_are_the_same(self):
        campaign = Campaign(self.folder, seed=1, ranks=[2, 3])
        figures = campaign.run(kills=12)
        print(f"\n{figures.table()}", file=sys.stderr)
        self.assertEqual(figures.problems, [])
        self.assertEqual((figures.lost, figures.unreadable), (0, 0))
        for solver, hashes in figures.hashes.items():
            self.assertEqual(len(hashes), 1, solver)
        # It did what it is for.
        self.assertEqual(figures.total(), 12)
        for victim in VICTIMS:
            self.assertEqual(sum(n for (v, _), n in figures.kills.items() if v == victim), 4)
        self.assertGreater(figures.acknowledged, 0)
        self.assertGreater(figures.resumed_runs, 0)

        # The checks of the campaign see what they are there to see.
        whole = campaign.whole["gd"]
        self.assertEqual(newest_checkpoint(whole), (ITERATIONS, None))
        self.assertEqual(len(metrics(whole)), ITERATIONS + 1)
        newest = max((whole / "checkpoints").glob("*.h5"))
        content = bytearray(newest.read_bytes())
        content[len(content) // 2] ^= 1
        newest.write_bytes(content)
        campaign.check_checkpoints(whole, ITERATIONS)
        self.assertEqual((figures.lost, figures.unreadable), (0, 1))
        newest.unlink()
        campaign.check_checkpoints(whole, ITERATIONS)
        self.assertEqual((figures.lost, figures.unreadable), (1, 1))
        self.assertFalse(campaign.is_clean())


if __name__ == "__main__":
    unittest.main()
