import { readFile, realpath, statfs } from "node:fs/promises";

/** statfs(2) types of file systems whose locks and renames cannot be trusted across machines. */
const NETWORK_FILE_SYSTEMS: ReadonlyMap<number, string> = new Map([
  [0x6969, "NFS"],
  [0x517b, "SMB"],
  [0xff534d42, "CIFS"],
  [0xfe534d42, "SMB2"],
  [0x5346414f, "AFS"],
  [0x73757245, "Coda"],
  [0x00c36400, "Ceph"],
]);

/** A folder of the host in a virtual machine, of Windows in WSL 2; and every folder of a sandbox such as gVisor: nobody else need be behind it. */
const NINE_P = 0x01021997;
/** FUSE is any program's file system; which one stands in the mount table. */
const FUSE = 0x65735546;
/** Those that have another machine behind them. */
const FUSE_OF_OTHER_MACHINES =
  /^fuse\.(sshfs|rclone|s3fs|s3ql|gcsfuse|goofys|davfs|glusterfs|ceph|ceph-fuse|curlftpfs|smbnetfs|moosefs|juicefs|nfs)$/;
const FUSE_OF_THIS_MACHINE =
  /^(fuseblk|fuse\.(ext2|ext4|fuse-ext2|ntfs|ntfs-3g|exfat|fuse-overlayfs|mergerfs|gocryptfs|encfs|bindfs|lxcfs))$/;

/** What a folder's file system means for a session: it may be used, it must not be, or nobody can tell from here. */
export type FileSystemVerdict = { readonly kind: "local" } | { readonly kind: "network" | "unknown"; readonly name: string };

/** @param mountType the type in the mount table; needed for FUSE only */
export function judgeFileSystem(statfsType: number, mountType: string | undefined): FileSystemVerdict {
  const type = statfsType >>> 0;
  const name = NETWORK_FILE_SYSTEMS.get(type);
  if (name !== undefined) return { kind: "network", name };
  if (type === NINE_P) return { kind: "unknown", name: "9p" };
  if (type !== FUSE) return { kind: "local" };
  if (mountType === undefined) return { kind: "unknown", name: "fuse" };
  if (FUSE_OF_OTHER_MACHINES.test(mountType)) return { kind: "network", name: mountType };
  return FUSE_OF_THIS_MACHINE.test(mountType) ? { kind: "local" } : { kind: "unknown", name: mountType };
}

export async function fileSystemOf(path: string): Promise<FileSystemVerdict> {
  const { type } = await statfs(path);
  const verdict = judgeFileSystem(type, undefined);
  if (verdict.kind !== "unknown") return verdict;
  const table = await readFile("/proc/self/mountinfo", "utf8").catch(() => "");
  return judgeFileSystem(type, mountTypeOf(await realpath(path), table));
}

/**
 * The file system type of the mount that `path` (real, absolute) lies on, by /proc/self/mountinfo (proc(5)): of mount points
 * that hold the path the longest counts, of equal ones the last, which covers the others.
 */
export function mountTypeOf(path: string, mountinfo: string): string | undefined {
  let best: { readonly point: string; readonly type: string } | undefined;
  for (const line of mountinfo.split("\n")) {
    const [left = "", right = ""] = line.split(" - ", 2);
    const point = left.split(" ")[4]?.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
    const type = right.split(" ")[0];
    if (point === undefined || !type) continue;
    const holds = path === point || path.startsWith(point.endsWith("/") ? point : `${point}/`);
    if (holds && point.length >= (best?.point.length ?? 0)) best = { point, type };
  }
  return best?.type;
}
