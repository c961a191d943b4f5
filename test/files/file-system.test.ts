import { tmpdir } from "node:os";
import { expect, test } from "vitest";
import { fileSystemOf, judgeFileSystem, mountTypeOf } from "../../src/core/files/file-system.ts";

const FUSE = 0x65735546;

test.each([
  [0x6969, undefined, { kind: "network", name: "NFS" }],
  [-0xacb2be, undefined, { kind: "network", name: "CIFS" }], // 0xff534d42 as a signed word
  [0x01021997, "9p", { kind: "unknown", name: "9p" }],
  [0xef53, "ext4", { kind: "local" }],
  [FUSE, "fuse.sshfs", { kind: "network", name: "fuse.sshfs" }],
  [FUSE, "fuse.rclone", { kind: "network", name: "fuse.rclone" }],
  [FUSE, "fuse.glusterfs", { kind: "network", name: "fuse.glusterfs" }],
  [FUSE, "fuseblk", { kind: "local" }],
  [FUSE, "fuse.gocryptfs", { kind: "local" }],
  [FUSE, "fuse.something-new", { kind: "unknown", name: "fuse.something-new" }],
  [FUSE, undefined, { kind: "unknown", name: "fuse" }],
])("file system %i of mount type %s", (type, mount, verdict) => {
  expect(judgeFileSystem(type, mount)).toEqual(verdict);
});

const TABLE = `22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:26 / /home rw - ext4 /dev/sda2 rw
31 30 0:50 / /home/me/far rw,nosuid shared:7 master:1 - fuse.sshfs me@far: rw
32 30 0:51 / /home/me/with\\040space rw - fuse.rclone x rw
33 30 0:52 / /home rw - xfs /dev/sdb rw
`;

test.each([
  ["/home/me/far/chaincore", "fuse.sshfs"],
  ["/home/me/far", "fuse.sshfs"],
  ["/home/me/farther", "xfs"], // Not below it; and the later mount covers the earlier one.
  ["/home/me/with space/a", "fuse.rclone"],
  ["/srv", "ext4"],
])("%s lies on %s", (path, type) => {
  expect(mountTypeOf(path, TABLE)).toBe(type);
});

test("a table that cannot be read tells nothing", () => {
  expect(mountTypeOf("/srv", "")).toBeUndefined();
});

test("this machine's temporary folder is looked at without failing", async () => {
  expect(["local", "network", "unknown"]).toContain((await fileSystemOf(tmpdir())).kind);
});
