//go:build !linux && !darwin && !windows

package move

import "errors"

func renameNew(string, string) error { return errors.ErrUnsupported }
