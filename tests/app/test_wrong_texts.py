#!/usr/bin/python3
"""Text that is wrong: the line is named, every rank ends alike, and no file comes to be."""
import gzip
import os
import random
import shutil
import signal
import subprocess
import unittest

from jobs import Job, wait_for
from refusals import RefusalTest
from support import AppTest, run

SVM = "1 1:0.5 2:1\n"


class WrongText(RefusalTest):
    def write(self, name, text):
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def assert_text_refused(self, text, place, says, *options, code=3, ranks=(None, 2)):
        """`place`: line and column, or nothing where no line is at fault."""
        path = self.write("bad.txt", text)
        line = self.assert_refused(code, "convert", path, self.folder / "out.h5", *options,
                                   says=says, ranks=ranks)
        self.assertTrue(line.startswith(f"{path}:{place}: " if place else f"{path}: "), line)

    def test_lines_of_libsvm(self):
        for bad, column, says in (
                ("x 1:1", 1, "expected a label that is a number, found 'x'"),
                ("1:1 2:1", 1, "expected a label, found '1:1'"),
                ("1e999 1:1", 1, "beyond the range"),
                ("nan 1:1", 1, "expected a label"),
                ("-9007199254740993 1:1", 1, "is an integer beyond 2^53"),
                ("1 1:1 2:x", 9, "expected a number behind the colon, found 'x'"),
                ("1 1:1 2:", 9, "found nothing"),
                ("1 1:1 2:nan", 9, "features must be finite"),
                ("1 1:1 2:-inf", 9, "features must be finite"),
                ("1 1:1 2:1_0", 9, "found '1_0'"),
                ("1 1:1 2:0x1p3", 9, "found '0x1p3'"),
                ("1 1:1 2:1e", 9, "found '1e'"),
                ("1 1:1 2:1e400", 9, "beyond the range of double precision"),
                ("1 1:1 2", 7, "expected index:value with an index that is a whole number"),
                ("1 1:1 -2:1", 7, "expected index:value"),
                ("1 1:1 2:1:3", 9, "found '1:3'"),
                ("1 1:1\t2.5:1", 7, "expected index:value"),
                ("1 5:1 3:1", 7, "the index 3 follows 5"),
                ("1 5:1 5:0", 7, "the index 5 follows 5"),
                ("1 18446744073709551616:1", 3, "expected index:value"),
                ("1 9223372036854775807:1", 3, "is too large"),
                ("1 qid:1 1:1", 3, "this line has a qid"),
                ("1 1:1 qid:1", 7, "expected index:value"),
                ("1 1:1\x00", 5, "found '1\\x00'")):
            self.assert_text_refused(SVM + "# c\r\r\n" + bad + "\n" + SVM, f"4:{column}", says,
                                     "--format", "libsvm", ranks=(None,))
        self.assert_text_refused(SVM + "1 0:1\n", "2:3", "the index 0 is below the base 1",
                                 "--index-base", 1)
        self.assert_text_refused("1 qid:x 1:1\n", "1:7", "expected a qid from 0 to 2^63 - 1")
        self.assert_text_refused("1 qid:1 1:1\n1 2:1\n", "2:3", "this line has no qid")

    def test_lines_of_csv(self):
        head = "a,b,y\n1,2,0\r\n"
        for bad, place, says in (
                ("1,2,0,5", "3:7", "the line has 4 fields and the first line has 3"),
                ("1,2,0,5,6,7", "3:7", "the line has 6 fields"),
                ("1,2", "3:1", "the line has 2 fields and the first line has 3"),
                ("1,2,", "3:5", "the label is missing (found nothing)"),
                ("1,NA,0", "3:3", "column 2 ('b'): the value is missing (found 'NA')"),
                ("1, ,0", "3:4", "the value is missing (found nothing)"),
                ("1,x,0", "3:3", "column 2 ('b'): expected a finite decimal number, found 'x'"),
                ("1,inf,0", "3:3", "found 'inf'"),
                ("1,1_0,0", "3:3", "found '1_0'"),
                ("1,1e999,0", "3:3", "beyond the range of double precision"),
                ('1,"2,0', "3:3", "the quote that is opened here is never closed"),
                ('1,"2"x,0', "3:6", "expected ',' or the end of the line behind the closing quote"),
                ('1,2"x,0', "3:4", "there is a quote within a field"),
                ("\u00fc,2,0", "3:1", "found '\u00fc'"),
                ("1,\u00fc,0", "3:3", "found '\u00fc'")):
            self.assert_text_refused(head + bad + "\n", place, says, ranks=(None,))
        self.assert_text_refused('a,b,y\n"1\n",2,0\n1,2,0\n', "2:1", "found '1\\x0a'")
        self.assert_text_refused("t,y\n" + "a,1\n" * 9 + "b\0,1\n", "11:1", "the character NUL")

    def test_a_field_too_many_is_told_as_one_whatever_lies_behind_it(self):
        rows = "".join(f"{i},Bob,{i},{i % 2}\n" for i in range(20))
        head = "a,name,b,y\n"
        count = "the line has 5 fields and the first line has 4; separated by ','"
        for bad, column in (("7,Smith, John,3,0", 17), ("7,Smith, ,3,0", 13), ("7,Bob,3,u,0", 11),
                            ("x,Bob,3,1,0", 11), ("7,Bob,3e999,1,0", 15)):
            for text in (head + rows + bad + "\n", head + rows + (bad + "\n") * 30):
                self.assert_text_refused(text, f"22:{column}", count, ranks=(None, 2))
        self.assert_text_refused("a,b,y\n1,u,v,0\n2,z,1\n", "2:7", "the line has 4 fields")
        # Some of both are no column of numbers and texts.
        self.assert_text_refused(head + "7,Smith, John,3,0\n" * 3 + rows[:20], "2:17", count)
        self.assert_text_refused(head + rows + "7,Bob,x\n", "22:1", "the line has 3 fields")
        self.assert_text_refused(head + rows + 'x,Bob,3,"1\n', "22:1", "found 'x'")

    def test_the_first_wrong_line_of_all_files_is_named(self):
        rows = "".join(f"{i % 2} 1:{i} 2:0.123456789 3:7.654321\n" for i in range(250_000))
        first = self.write("first.svm", rows)
        lines = rows.splitlines(keepends=True)
        lines[200_000] = "1 1:1 2:oh\n"
        lines[90_000] = "1 1:1 2:no 3:4\n"
        lines[240_000] = "worse\n"
        second = self.write("second.svm", "".join(lines))
        packed = self.write("packed.svm.gz", gzip.compress("".join(lines).encode(), 1)[:-9])
        self.assertGreater(second.stat().st_size, 4 * 2**21)
        for path in (second, packed):
            line = self.assert_refused(3, "convert", first, path, self.folder / "out.h5",
                                       says="found 'no'", ranks=(None, 2, 3, 5))
            self.assertTrue(line.startswith(f"{path}:90001:9: "), line)

    def test_compressed_files_that_are_cut_or_damaged(self):
        text = "".join(f"{i % 2} 1:{random.Random(i).random()}\n" for i in range(20_000)).encode()
        packed = gzip.compress(text)
        for name, content, says in (
                ("cut.gz", packed[:len(packed) // 2], "the gzip data ends before its end mark"),
                ("mark.gz", packed[:-1], "the gzip data ends before its end mark"),
                ("last.gz", packed + packed[:3000], "the gzip data ends before its end mark"),
                ("head.gz", packed + packed[:5], "the gzip data ends before its end mark"),
                ("sum.gz", packed[:-8] + b"\0\0\0\0" + packed[-4:], "incorrect data check"),
                ("bits.gz", packed[:5000] + b"\xff" * 99 + packed[5099:], "gzip data is damaged"),
                ("tail.gz", packed + b"more", "gzip data is damaged")):
            path = self.write(name, content)
            line = self.assert_refused(3, "convert", path, self.folder / "out.h5", says=says)
            self.assertTrue(line.startswith(f"{path}: "), line)
        window_of_2_gib = b"\x28\xb5\x2f\xfd\0\xa8\x21\0\0a,y\n"
        for content, says in ((b"\x1f", "the gzip data ends before its end mark"),
                              (packed[:2], "the gzip data ends before its end mark"),
                              (packed[:3], "the gzip data ends before its end mark"),
                              (b"(", "the zstd data ends before its end mark"),
                              (b"(\xb5", "the zstd data ends before its end mark"),
                              (b"(\xb5/", "the zstd data ends before its end mark"),
                              (window_of_2_gib, "decompress it first: zstd -d --long=31")):
            path = self.write("short.zst", content)
            line = self.assert_refused(3, "convert", path, self.folder / "out.h5", says=says)
            self.assertTrue(line.startswith(f"{path}: the "), line)
            self.assertNotIn("damaged", line)
        if shutil.which("zstd"):
            whole = subprocess.run(["zstd", "-qc"], input=text, capture_output=True,
                                   check=True).stdout
            for name, content, says in (
                    ("cut.zst", whole[:len(whole) // 2], "the zstd data ends before its end mark"),
                    ("last.zst", whole + whole[:3000], "the zstd data ends before its end mark"),
                    ("bits.zst", whole[:5000] + b"\xff" * 99 + whole[5099:], "zstd data is damaged")):
                path = self.write(name, content)
                self.assert_refused(3, "convert", path, self.folder / "out.h5", says=says)

    def test_files_without_rows_or_features(self):
        self.assert_text_refused("", None, "is empty")
        self.assert_text_refused("\n \r\n", None, "holds nothing but blanks")
        self.assert_text_refused(self.data.read_bytes(), None, "is an HDF5 file, not a text")
        self.assert_text_refused("a,b,y\n", None, "there are no rows in it")
        self.assert_text_refused("a;y\n3,5;0\n-4,1e3;1\n", None,
                                 ("column 1 ('a'): '3,5' is a number with a comma",
                                  "--text a"))
        self.assert_text_refused("a,y\n1,0\n", None, "--features is for LIBSVM",
                                 "--features", 5, code=2)
        self.assert_text_refused("# only this\n", None, "there are no rows", "--format", "libsvm")
        self.assert_text_refused("1\n0\n", None, "there are no features", "--format", "libsvm")

    def test_an_index_that_cannot_be_trained_on(self):
        self.assert_text_refused(SVM + f"1 {2**32}:1\n", None, f"the index {2**32} occurs in it, "
                                 "but no more than 4294967295 features can be trained on")
        self.assert_text_refused("a,y\n", None, "there are no rows", "--header", "yes")
        self.assert_text_refused("a,y\n1,2\n".encode("utf-16"), None, "iconv -f UTF-16")
        path = self.write("nothing-like-it.svm", SVM)
        self.assert_refused(3, "convert", self.folder / "no.svm", self.folder / "out.h5",
                            says="there is no such file")
        self.assert_refused(3, "convert", self.folder / "no-*.svm", self.folder / "out.h5",
                            says="no file matches this pattern")
        self.assert_refused(3, "convert", path, self.folder, self.folder / "out.h5",
                            says="is a directory")
        for begin, says in ((b"BZh91AY&SY", "bzip2; uncompress it first: bunzip2"),
                            (b"\xfd7zXZ\0\0", "xz; uncompress it first: unxz"),
                            (b"PK\3\4", "is a zip archive")):
            self.assert_text_refused(begin + b"\0\1\n2", None, says, ranks=(None,))
        self.assert_refused(3, "convert", "/dev/stdin", self.folder / "out.h5",
                            says="is a pipe or a device", ranks=(None,))

    def test_options_that_are_for_the_other_kind_of_text(self):
        for option, value in (("--drop", 1), ("--text", 1), ("--separator", ";"),
                              ("--header", "no"), ("--label-column", 1), ("--missing", "mean"),
                              ("--missing-markers", "x"), ("--max-texts", 5), ("--weights", 1),
                              ("--reference", "first")):
            self.assert_text_refused(SVM, None, f"is LIBSVM, and {option} is for tables", option,
                                     value, code=2, ranks=(None,))
        self.assert_text_refused("a,y\n1,0\n", None, "is a table, and --index-base is for LIBSVM",
                                 "--index-base", 0, code=2, ranks=(None,))

    def test_numbers_that_stand_for_missing_values(self):
        text = "a,b,y\n1,-999,0\n2,5,1\n"
        self.assert_text_refused(text, "2:3", "the value is missing (found '-999')",
                                 "--missing-markers", "-999")
        self.assert_text_refused("a,y\n1,0\n2,-999.0\n", "3:3", "the label is missing",
                                 "--missing-markers", "-999", "--missing", "mean", ranks=(None,))

    def test_texts_that_are_not_utf8(self):
        says = "the text is not UTF-8; if it is Latin-1, as many programs write it, make the file " \
               "UTF-8 first: iconv -f LATIN1 -t UTF-8"
        text = "größe,ort,y\n1,Köln,0\n2,Ulm,1\n3,Köln,0\n"
        self.assert_text_refused(text.encode("latin-1"), "1:1", says)
        text = text.replace("größe", "a")
        self.assert_text_refused(text.encode("latin-1"), "2:3", "column 2: " + says)
        self.assert_text_refused(text.encode("latin-1").replace(b"1,K\xf6ln", b"1,Bonn"), "4:3", says)
        self.assert_text_refused("a,y\n1,schön\n2,schlecht\n".encode("latin-1"), "2:3", says)
        rest = "a,t,y\n" + "1,u,0\n2,v,1\n" * 9
        for wrong in (b"\xc3", b"\xc0\x80", b"\xe0\x9f\xbf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x80",
                      b"\xf5\x80\x80\x80", b"\xc3(", b"\xf0\x8f\xbf\xbf", b"\xff"):
            self.assert_text_refused(rest.encode() + b"3,x" + wrong + b",1\n", "20:3", says,
                                     ranks=(None,))
        # What is no part of the file, and what is UTF-8, does no harm.
        path = self.write("good.csv", "a,t,größe,y\n1,\u0080\u07ff\u0800\ud7ff,\xff,0\n"
                          "2,\ue000\uffff\U00010000\U0010ffff,\xfe,1\n".encode().replace(
                              "größe".encode(), "größe".encode("latin-1")))
        result = run("convert", path, self.folder / "good.h5", "--drop", 3)
        self.assert_ends(result, 0)

    def test_a_number_among_texts_beyond_the_first_rows(self):
        text = "b,y\n" + "red,1\ngreen,0\n" * 5500 + "7,1\n"
        self.assert_text_refused(text, None, ("column 1 ('b') holds 3 different texts, and the "
                                              "number 7 among them", "--text b"))

    def test_columns_that_are_not_there_or_too_rich(self):
        text = "a,b,c\n" + "".join(f"1,t{i},{i}\n" for i in range(40))
        self.assert_text_refused(text, None, ("none of the columns has a usual name of labels",
                                              "the 3 columns are 'a', 'b', 'c'"))
        self.assert_text_refused("y,x,label\n1,2,3\n", None, "2 of the columns have a usual name")
        self.assert_text_refused(text, None, ("--label-column d: there is no such column", "'a', 'b'"),
                                 "--label-column", "d")
        self.assert_text_refused(text, None, "--drop 4: there is no such column", "--drop", "a,4",
                                 "--label-column", "c")
        self.assert_text_refused(text, None, "this is the column of the labels", "--drop", "c",
                                 "--label-column", "c")
        self.assert_text_refused(
            text, None, ("column 2 ('b') has more than 39 different texts", "--drop b"),
            "--label-column", "a", "--max-texts", 39)
        self.assert_text_refused(text, None, ("column 2 ('b') has more than 39", "--label-column"),
                                 "--label-column", "b", "--max-texts", 39)
        self.assert_text_refused("a,b,y\n?,1,0\n,2,1\n", None,
                                 "column 1 ('a') misses every value", "--missing", "mean")
        self.assert_text_refused("a,y\n1e308,0\n1e308,1\n,1\n", None,
                                 "the sum of column 1 ('a') overflows", "--missing", "mean")

    def test_a_second_file_with_another_header(self):
        first = self.write("a.csv", "x,y\n1,0\n")
        second = self.write("b.csv", "x,z\n1,0\n")
        line = self.assert_refused(3, "convert", first, second, self.folder / "out.h5",
                                   says="expected 'y' of the first file's header here, found 'z'")
        self.assertTrue(line.startswith(f"{second}:1:3: "), line)

    def test_options_and_outputs(self):
        path = self.write("a.svm", SVM)
        there = self.write("there.h5", "something")
        for arguments, says in (
                ((path,), "the last argument is the file to write"),
                ((path, self.folder / "out.csv"), "ends in .h5 or .hdf5"),
                ((path, there), "exists already; choose another output or give --overwrite"),
                ((there, there, "--overwrite"), "the output would replace the input"),
                ((path, "out.h5", "--missing", "inf"), "expected error, mean, median or a finite"),
                ((path, "out.h5", "--separator", "ab"), "expected auto, tab, blank, or one"),
                ((path, "out.h5", "--separator", "5"), "that no number has"),
                ((path, "out.h5", "--layout", "coo"), "expected one of auto, dense, csr"),
                ((path, "out.h5", "--features", "0"), "expected an integer from 1 to 4294967295"),
                ((path, "out.h5", "--features", 2**32), "an integer from 1 to 4294967295")):
            self.assert_refused(2, "convert", *arguments, says=says, ranks=(None, 2))
        self.assert_refused(3, "convert", "none.csv", "out.h5", ranks=(None, 2),
                            says="none.csv: there is no such file")


class Stopped(AppTest):
    def test_a_signal_leaves_no_half_of_a_file(self):
        data = self.folder / "a.svm"
        data.write_text("".join(f"{i % 2} 1:{i} 2:0.123456789 3:7.654321\n"
                                for i in range(1_000_000)))
        whole = self.folder / "whole.h5"
        self.assert_ends(run("convert", data, whole), 0)
        for number in (signal.SIGTERM, signal.SIGKILL):
            out = self.folder / f"out-{number}.h5"
            with Job("convert", data, out, ranks=2) as job:
                self.assertTrue(wait_for(lambda: list(self.folder.glob(f".{out.name}.*.tmp")) or
                                         job.mpirun.poll() is not None))
                pid = job.rank_process(0)
                if pid is not None:
                    os.kill(pid, number)
                self.assertTrue(job.wait_until_gone(), job.stderr())
            # It may have been done before the signal came.
            if out.exists():
                self.assertTrue(out.read_bytes() == whole.read_bytes())


if __name__ == "__main__":
    unittest.main()
