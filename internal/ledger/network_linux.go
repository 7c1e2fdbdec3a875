package ledger

import "golang.org/x/sys/unix"

// networks are the file systems of other machines, by the numbers of linux/magic.h and of statfs(2).
// FUSE is among them since one cannot see what is behind it.
var networks = map[int64]string{
	unix.NFS_SUPER_MAGIC: "NFS", unix.SMB_SUPER_MAGIC: "SMB", unix.SMB2_SUPER_MAGIC: "SMB", unix.CIFS_SUPER_MAGIC: "SMB",
	unix.AFS_SUPER_MAGIC: "AFS", unix.AFS_FS_MAGIC: "AFS", unix.CODA_SUPER_MAGIC: "Coda", unix.CEPH_SUPER_MAGIC: "Ceph",
	unix.NCP_SUPER_MAGIC: "NCP", unix.V9FS_MAGIC: "9P", unix.OCFS2_SUPER_MAGIC: "OCFS2", 0x01161970: "GFS2",
	0x0bd00bd0: "Lustre", unix.FUSE_SUPER_MAGIC: "FUSE",
}

// networked names the network file system that a folder is on; empty for a disk of this machine.
func networked(folder string) (string, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(folder, &st); err != nil {
		return "", err
	}
	return networks[int64(uint32(st.Type))], nil
}
