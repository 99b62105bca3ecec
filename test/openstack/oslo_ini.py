"""Reads INI files with oslo.config's own parser: {"text"} in; {"normalized", "sections"} or {"refused"} out."""

import json
import os
import sys
import tempfile

from oslo_config import cfg

with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "file.conf")
    for line in sys.stdin:
        with open(path, "w", newline="", encoding="utf-8") as file:
            file.write(json.loads(line)["text"])
        sections, normalized = {}, {}
        parser = cfg.ConfigParser(path, sections)
        parser._add_normalized(normalized)
        try:
            parser.parse()
            answer = {"sections": sections, "normalized": normalized}
        except cfg.ParseError as error:
            answer = {"refused": str(error)}
        print(json.dumps(answer), flush=False)
