"""Reading a CSV file the way county offices save it: UTF-8, UTF-8 with BOM, or GBK from Excel.

Knows encodings, columns and line numbers; knows nothing of what the columns mean. Bytes in, rows
out; the caller reads the disk.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NoReturn

from stations.errors import Findings

CSV_BYTES_MAX = 64 * 1024 * 1024
UTF8_BOM = b"\xef\xbb\xbf"
# So many Chinese characters in a row do not become valid UTF-8 by accident in a GBK file.
UTF8_CHARACTERS_SURE = 16
UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class CsvRow:
    """One record: the line it starts on and its values by column, outer blanks removed."""

    line: int
    values: dict[str, str]

    def __getitem__(self, column: str) -> str:
        """Return the value of a column; a column the file does not have reads as empty."""
        return self.values.get(column, "")


def _refuse_encoding(line: int, findings: Findings) -> NoReturn:
    findings.refuse(
        "bad_encoding",
        line,
        f"第 {line} 行的文字无法识别(既不是 UTF-8 也不是 GBK),请另存为 UTF-8 编码的 CSV 再导入。",
    )


def decode(data: bytes, findings: Findings) -> str:
    """Return the text of a file in any of the encodings that are accepted.

    UTF-8 is tried first: text that is valid UTF-8 is practically never meant as GBK, while GBK
    bytes are often taken for something else by looser guesses.
    Raises: ImportRefused (bad_encoding, too_large, empty_file).
    """
    if len(data) > CSV_BYTES_MAX:
        findings.refuse("too_large", 0, "文件超过 64 MB,请拆分后分别导入。")
    if not data.strip():
        findings.refuse("empty_file", 0, "文件是空的,请检查是否选错了文件。")
    if data.startswith(UTF16_BOMS):
        findings.refuse("bad_encoding", 1, "文件是 UTF-16 编码,请另存为 UTF-8 编码的 CSV 再导入。")
    body = data.removeprefix(UTF8_BOM)
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        text = _decode_gbk(body, error.start, data.startswith(UTF8_BOM), findings)
    if "\x00" in text:
        _refuse_encoding(text.count("\n", 0, text.index("\x00")) + 1, findings)
    return text


def _decode_gbk(body: bytes, utf8_until: int, has_bom: bool, findings: Findings) -> str:
    """Return the text of a file that is not UTF-8, unless it plainly was meant to be.

    A damaged UTF-8 file often is valid GBK by accident and would come in as gibberish.
    """
    before = body[:utf8_until].decode()
    chinese = sum("\u4e00" <= character <= "\u9fff" for character in before)
    if not has_bom and chinese < UTF8_CHARACTERS_SURE:
        try:
            return body.decode("gb18030")
        except UnicodeDecodeError as error:
            utf8_until = max(utf8_until, error.start)
    _refuse_encoding(body.count(b"\n", 0, utf8_until) + 1, findings)


def read_rows(
    data: bytes,
    findings: Findings,
    required: tuple[str, ...],
    other_names: Mapping[str, str] | None = None,
) -> list[CsvRow]:
    """Return the records below the header line; columns beyond the required ones are kept.

    Shapes: other_names maps a column title people use to the name the program uses.
    A record with too few or too many values becomes a finding and is left out of the answer, so
    that the caller goes on checking the others.
    Raises: ImportRefused where nothing after it could be judged (encoding, header).
    """
    lines = _records(decode(data, findings), findings)
    _line, titles = next(lines, (1, []))
    names = other_names or {}
    header = [names.get(title.strip(), title.strip()) for title in titles]
    _check_header(header, required, findings)
    rows = []
    for line, record in lines:
        if not any(value.strip() for value in record):
            continue
        if len(record) != len(header):
            findings.add(
                "wrong_column_count",
                line,
                f"第 {line} 行有 {len(record)} 列,表头有 {len(header)} 列,"
                "请补齐或删去多余的逗号(内容里有逗号时,整格要加英文双引号)。",
            )
            continue
        values = {name: value.strip() for name, value in zip(header, record, strict=True)}
        rows.append(CsvRow(line, values))
    return rows


def _check_header(header: list[str], required: tuple[str, ...], findings: Findings) -> None:
    """Refuse a header that lacks or repeats a column; no row could be read after that."""
    for column in required:
        if column not in header:
            findings.add(
                "missing_column",
                1,
                f"第 1 行(表头)缺少“{column}”列,请补上该列;应有的列:{'、'.join(required)}。",
            )
    for column in sorted({name for name in header if name and header.count(name) > 1}):
        findings.add("repeated_column", 1, f"第 1 行(表头)“{column}”列出现了两次,请删去一列。")
    findings.refuse_if_any()


def _records(text: str, findings: Findings) -> Iterator[tuple[int, list[str]]]:
    """Yield records with the line each starts on; an unclosed quotation mark ends the file."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error:
            findings.add("bad_quotes", line, f"从第 {line} 行起英文双引号不成对,请检查该行的引号。")
            return
        yield line, record
