//go:build !unix

package cli

import "os"

var unasked []os.Signal
