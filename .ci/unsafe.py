#!/usr/bin/env python3
"""Lists what switches a check of Swift's off and has no reason beside it: unsafe.py FOLDER...

A reason is a comment on the line, or directly above it, above the declarations that it stands among, or above the type. What no
reason excuses: try!, as! and fatalError in the sources.
"""
import pathlib
import re
import sys

MARKS = re.compile(
    r"@unchecked Sendable|nonisolated\(unsafe\)|unowned\(unsafe\)|@exclusivity\(unchecked\)|Unmanaged[.<]|unsafeBitCast"
    r"|UnsafeMutable\w*Pointer[.<(].*allocate|@_silgen_name")
NEVER = re.compile(r"\btry!|\bas!|\bfatalError\(")
COMMENT = re.compile(r"^\s*//")
# Reasons that a file gives once for all of a kind.
FOR_ALL = {"@exclusivity(unchecked)"}


def has_reason(lines, index, mark):
    if "//" in lines[index]:
        return True
    if mark in FOR_ALL and any(COMMENT.match(line) and "exclusiv" in line.lower() for line in lines):
        return True
    # Upwards over what belongs together, to the nearest comment.
    above = index - 1
    while above >= 0 and index - above <= 12 and lines[above].strip():
        if COMMENT.match(lines[above]):
            return True
        above -= 1
    return False


def main(folders):
    missing = []
    for folder in folders:
        for path in sorted(pathlib.Path(folder).rglob("*.swift")):
            if ".build" in path.parts or path.is_symlink():
                continue
            lines = path.read_text().splitlines()
            for index, line in enumerate(lines):
                code = line.split("//")[0]
                for found in MARKS.finditer(code):
                    if not has_reason(lines, index, found.group()):
                        missing.append(f"{path}:{index + 1}: {found.group()} has no reason beside it")
                for found in NEVER.finditer(code):
                    missing.append(f"{path}:{index + 1}: {found.group()}")
    print("\n".join(missing) if missing else "every unchecked declaration says why")
    return 1 if missing else 0


sys.exit(main(sys.argv[1:]))
