import assert from "node:assert/strict";
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { makeLink, removeWhole, writeWhole } from "../../src/host/linux/system/files.ts";
import { acquireLock } from "../../src/host/linux/system/lock.ts";
import { makeTree } from "../host/linux/tree.ts";
import { makeHost, noOtherUser, onHost, run } from "../support/faults.ts";
import { vflag } from "../support/vflag.ts";

/**
 * Links, files and folders of another user in the way. fs.protected_symlinks does not hold in these folders:
 * they are not sticky.
 */

const nobody = 65534;

describe("what another user has put there", { skip: noOtherUser() }, () => {
  test("a link of his is not followed, at the end of a path or on the way; root's own is", async (t) => {
    const root = makeTree(t, { "victim/shadow": "secret", shared: {}, own: {} });
    chmodSync(join(root, "shared"), 0o777);
    symlinkSync(join(root, "victim/shadow"), join(root, "shared/report"));
    symlinkSync(join(root, "victim"), join(root, "shared/folder"));
    for (const name of ["report", "folder"]) lchownSync(join(root, "shared", name), nobody, nobody);
    for (const path of ["shared/report", "shared/folder/shadow", "shared/folder/new"]) {
      const refused = {
        name: "FileError",
        code: "ELOOP",
        message: /is a link of user 65534, which user 0 does not follow/,
      };
      await assert.rejects(writeWhole(join(root, path), "forged"), refused, path);
      await assert.rejects(removeWhole(join(root, path)), refused, path);
    }
    assert.throws(() => makeLink(join(root, "shared/folder/link"), "x"), /ELOOP|is a link of user/);
    assert.equal(readFileSync(join(root, "victim/shadow"), "utf8"), "secret");
    symlinkSync("../victim", join(root, "own/folder"));
    symlinkSync("folder/shadow", join(root, "own/link"));
    await writeWhole(join(root, "own/link"), "new");
    assert.equal(readFileSync(join(root, "victim/shadow"), "utf8"), "new");
    assert.equal(readlinkSync(join(root, "own/link")), "folder/shadow");
  });

  test("a file of his under the name is replaced, and its owner and mode are not taken over; in a folder of his own they are", async (t) => {
    const root = makeTree(t, { "shared/report": "before", "home/report": "before" });
    chmodSync(join(root, "shared"), 0o1777);
    chownSync(join(root, "home"), nobody, nobody);
    for (const name of ["shared/report", "home/report"]) {
      chownSync(join(root, name), nobody, nobody);
      chmodSync(join(root, name), 0o666);
      await writeWhole(join(root, name), "after");
    }
    const [shared, home] = [statSync(join(root, "shared/report")), statSync(join(root, "home/report"))];
    assert.deepEqual(
      [shared.uid, shared.mode & 0o777, home.uid, home.mode & 0o777],
      [0, 0o644, nobody, 0o666],
    );
  });

  test("every way to write takes it: a report, a proposed spec, a simulated host, a journal", (t) => {
    const folder = makeHost(t);
    chmodSync(folder, 0o777);
    writeFileSync(join(folder, "victim"), "secret");
    for (const name of ["report", "new.yaml", "other.json", "host.json.journal.jsonl"]) {
      symlinkSync("victim", join(folder, name));
      lchownSync(join(folder, name), nobody, nobody);
    }
    const words = [
      ["verify", ...onHost, "-o", "html", "--write", "report"],
      ["simulate", "new", "other.json", "--force"],
    ];
    for (const argv of words) {
      const { status, stderr } = run(folder, [vflag, ...argv]);
      assert.equal(status, 1, argv.join(" "));
      assert.match(stderr, /is a link of user 65534, which user 0 does not follow/);
    }
    // A record in such a place is not written, and what acts goes on.
    const { status, stderr } = run(folder, [vflag, "boot", "early", ...onHost]);
    assert.equal(status, 0, stderr);
    assert.match(stderr, /journal cannot be written: .*is a link of user 65534/);
    assert.equal(readFileSync(join(folder, "victim"), "utf8"), "secret");
  });

  test("nobody else can open the lock, and so hold it; one of his in its place is refused", (t) => {
    const root = makeTree(t, {});
    chmodSync(root, 0o755);
    const path = join(root, "run/vflag/lock");
    acquireLock(path, "apply").release();
    assert.deepEqual(
      [statSync(join(root, "run/vflag")).mode & 0o777, statSync(path).mode & 0o777],
      [0o700, 0o600],
    );
    chmodSync(join(root, "run/vflag"), 0o755);
    const other = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"];
    assert.notEqual(run(root, [...other, "flock", "--nonblock", path, "true"]).status, 0);
    // One that an older version made for everybody to read is closed.
    chmodSync(path, 0o644);
    acquireLock(path, "apply").release();
    assert.equal(statSync(path).mode & 0o777, 0o600);
    mkdirSync(join(root, "open"));
    const his = join(root, "open/lock");
    writeFileSync(his, "");
    chownSync(his, nobody, nobody);
    assert.throws(() => acquireLock(his, "apply"), {
      name: "FileError",
      message: /is a file of user 65534, and was left alone/,
    });
  });

  test("a fleet database, and a spool beside it, are taken only from oneself", (t) => {
    const folder = makeHost(t);
    mkdirSync(join(folder, "states"));
    writeFileSync(
      join(folder, "states/h1.json"),
      run(folder, [vflag, "inspect", "--host", "host.json", "-o", "json"]).stdout,
    );
    const collect = [vflag, "fleet", "collect", "-i", "nowhere", "--db", "fleet.db"];
    mkdirSync(join(folder, "fleet.db.spool/1/plugins"), { recursive: true });
    chownSync(join(folder, "fleet.db.spool"), nobody, nobody);
    const refused = run(folder, collect);
    assert.deepEqual([refused.status, existsSync(join(folder, "fleet.db"))], [1, false]);
    assert.match(
      refused.stderr,
      /fleet\.db\.spool' is not trusted: it is user 65534's; remove it, or name another place/,
    );
    chownSync(join(folder, "fleet.db.spool"), 0, 0);
    assert.equal(run(folder, [vflag, "fleet", "import", "states", "--db", "fleet.db"]).status, 0);
    chownSync(join(folder, "fleet.db"), nobody, nobody);
    assert.match(
      run(folder, [vflag, "fleet", "status", "--db", "fleet.db"]).stderr,
      /fleet\.db' is not trusted/,
    );
  });
});
