import { stateLimits } from "../../host/schema/state-limits.ts";

/**
 * A callback plugin of Ansible that writes what came of each host into files of its own, as soon as it is
 * there: results are on disk before vflag has read them, so that neither a killed vflag nor a large fleet's
 * output loses any. Written for ansible-core 2.14 and later. Source:
 * https://docs.ansible.com/ansible-core/2.14/dev_guide/developing_plugins.html, "Callback plugins".
 */
export const callbackName = "vflag_spool";

/** Characters of each text that is kept beside an answer. */
const mostText = 4000;

/** Where it writes. */
export const spoolVariable = "VFLAG_FLEET_SPOOL";

export const callbackSource = `# Made by \`vflag fleet collect\`.
import json
import os

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: ${callbackName}
type: stdout
short_description: one file for what came of each host
description: Used by vflag fleet collect.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "${callbackName}"

    def __init__(self):
        super().__init__()
        self._count = 0

    def _keep(self, status, result):
        host = getattr(result, "host", None) or result._host
        told = getattr(result, "result", None) or result._result
        kept = {"host": host.get_name(), "status": status}
        if isinstance(told.get("rc"), int):
            kept["rc"] = told["rc"]
        answer = str(told.get("stdout", ""))
        texts = {"stderr": told.get("stderr", ""), "msg": told.get("msg", ""), "stdout": answer}
        for key, text in texts.items():
            if text and (key != "stdout" or status != "ok"):
                kept[key] = str(text)[-${mostText}:]
        self._count += 1
        path = os.path.join(os.environ["${spoolVariable}"], "%d-%d" % (os.getpid(), self._count))
        if answer and status == "ok":
            answer = answer.encode("utf-8", "surrogateescape")
            if len(answer) > ${stateLimits.bytes}:
                kept["excess"] = len(answer)
            else:
                with open(path + ".out", "xb") as file:
                    file.write(answer)
        with open(path + ".part", "x", encoding="utf-8") as file:
            json.dump(kept, file)
        os.rename(path + ".part", path + ".json")

    def v2_runner_on_ok(self, result):
        self._keep("ok", result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._keep("failed", result)

    def v2_runner_on_unreachable(self, result):
        self._keep("unreachable", result)

    def v2_runner_on_skipped(self, result):
        self._keep("skipped", result)
`;
