// Command hppsend distributes the payment links of Klarna HPP sessions in bulk: it reads spreadsheets,
// asks HPP to send each session's link by SMS or e-mail, and writes a report of every row.
package main

import (
	"os"
	"os/signal"

	"hppsend/internal/cli"
)

func main() {
	signals := make(chan os.Signal, 2) // the first asks to stop, the second to stop at once
	signal.Notify(signals, cli.Endings()...)
	os.Exit(cli.Main(cli.Process{
		Args: os.Args[1:], Env: os.Environ(), Signals: signals,
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
	}))
}
