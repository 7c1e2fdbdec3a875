// Package cli is the command line: commands, configuration, what people and machines read, and the
// exit codes. It is the only place that joins the other packages. Start from [Main] and the run
// command, in run.go.
package cli
