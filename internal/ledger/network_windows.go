package ledger

import (
	"path/filepath"

	"golang.org/x/sys/windows"
)

// networked names the network file system that a folder is on; empty for a disk of this machine.
func networked(folder string) (string, error) {
	full, err := filepath.Abs(folder)
	if err != nil {
		return "", err
	}
	root, err := windows.UTF16PtrFromString(filepath.VolumeName(full) + `\`)
	if err != nil {
		return "", err
	}
	if windows.GetDriveType(root) == windows.DRIVE_REMOTE {
		return "network share", nil
	}
	return "", nil
}
