#!/usr/bin/python3
"""Lines of options for the tasks of a SLURM array, as launch/train.sbatch takes them apart."""
import re
import subprocess
import unittest

from support import SOURCE

SCRIPT = (SOURCE / "launch" / "train.sbatch").read_text()


class SweepLines(unittest.TestCase):
    def words(self, line):
        """None where the line is refused."""
        function = re.search(r"^split_words\(\) \{.*?^\}$", SCRIPT, re.MULTILINE | re.DOTALL).group()
        shell = f'{function}\nsplit_words "$1" || exit 9\nprintf "%s\\0" "${{words[@]}}"'
        result = subprocess.run(["bash", "-u", "-c", shell, "bash", line], capture_output=True,
                                text=True, timeout=10, check=False, cwd=SOURCE)
        self.assertIn(result.returncode, (0, 9), result.stderr)
        return None if result.returncode == 9 else result.stdout.split("\0")[:-1]

    def test_quotes_hold_a_word_together_and_a_comment_ends_the_line(self):
        for line, words in (
                ("--l2 1e-3", ["--l2", "1e-3"]),
                ("\t--l2   1e-3 \t", ["--l2", "1e-3"]),
                ('--positive-label "yes"  # strong', ["--positive-label", "yes"]),
                ("--lower 'my bounds.txt' --l2 1", ["--lower", "my bounds.txt", "--l2", "1"]),
                ("--positive-label=\"it's\"' #1'#2", ["--positive-label=it's #1#2"]),
                ("--positive-label ''", ["--positive-label", ""])):
            self.assertEqual(self.words(line), words)

    def test_nothing_is_expanded(self):
        self.assertEqual(self.words(r"* $HOME `ls` $(ls) ~ {a,b} \n"),
                         ["*", "$HOME", "`ls`", "$(ls)", "~", "{a,b}", r"\n"])

    def test_a_quote_without_end_is_refused(self):
        for line in ("--positive-label 'yes", '--positive-label "it\'s', "'"):
            self.assertIsNone(self.words(line))

    def test_a_line_without_options_has_no_words(self):
        for line in ("", "  ", "# nothing", "  # 'nothing"):
            self.assertEqual(self.words(line), [""])


if __name__ == "__main__":
    unittest.main()
