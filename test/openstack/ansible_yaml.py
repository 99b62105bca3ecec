"""Reads files of variables with Ansible's own loader: {"text"} in; {"data"} or {"refused"} out. Dates become texts."""

import json
import sys

from ansible import constants
from ansible.parsing.dataloader import DataLoader

constants.DUPLICATE_YAML_DICT_KEY = "ignore"  # A warning each, otherwise.
for line in sys.stdin:
    try:
        answer = {"data": DataLoader().load(json.loads(line)["text"], json_only=False)}
        text = json.dumps(answer, default=str)
    except Exception as error:  # Whatever it is, Ansible stops.
        text = json.dumps({"refused": "%s: %s" % (type(error).__name__, str(error)[:300])})
    print(text, flush=False)
