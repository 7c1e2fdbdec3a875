//go:build linux || darwin

package cli_test

import (
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"testing"

	"hppsend/internal/sandbox"
)

// TestEverySignalDrainsOrIsNothing sends a run each signal there is, in the midst of its calls. Those that
// Go answers with a crash stop it as Ctrl-C does, the others it does not hear, and none ends it with 2.
func TestEverySignalDrainsOrIsNothing(t *testing.T) {
	t.Parallel()
	const sessions = 40
	run := func(t *testing.T, during func(*os.Process)) (p *place, code int, said string) {
		p = newPlace(t, sandbox.Config{})
		p.contacts("may.csv", 0, sessions)
		c := p.run("--rate", "100/s", "may.csv")
		var out strings.Builder
		c.Stderr = &out
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		eventually(t, func() bool { return p.box.Stats().Calls >= 5 })
		during(c.Process)
		c.Wait()
		return p, c.ProcessState.ExitCode(), out.String()
	}
	ends := map[syscall.Signal]int{
		syscall.SIGINT: 130, syscall.SIGQUIT: 130, syscall.SIGTERM: 143, syscall.SIGHUP: 143, syscall.SIGABRT: 143, syscall.SIGILL: 143,
		syscall.SIGTRAP: 143, syscall.SIGBUS: 143, syscall.SIGFPE: 143, syscall.SIGSEGV: 143, syscall.SIGSYS: 143,
	}
	for sig, want := range ends {
		t.Run(sig.String(), func(t *testing.T) {
			p, code, said := run(t, func(child *os.Process) { child.Signal(sig) })
			if code != want {
				t.Errorf("exit code %d, want %d\n%s", code, want, said)
			}
			counts := map[string]int{}
			for _, row := range pick(p.read("may.report.csv"), []string{"hpp_status", "hpp_code"})[1:] {
				counts[row[0]+" "+row[1]]++
			}
			if got := p.once(); counts["delivered "] != got || counts["pending stopped"] != sessions-got || got == sessions {
				t.Errorf("%d were accepted, and the report says %v", got, counts)
			}
		})
	}
	t.Run("the others", func(t *testing.T) {
		none := map[syscall.Signal]bool{syscall.SIGKILL: true, syscall.SIGSTOP: true, syscall.SIGTSTP: true, syscall.SIGTTIN: true, syscall.SIGTTOU: true}
		p, code, said := run(t, func(child *os.Process) {
			for sig := syscall.Signal(1); sig < 65; sig++ {
				switch own := sig >= 32 && sig <= 34; { // of the C library; they kill
				case own || ends[sig] != 0 || none[sig] || sig == 16 || sig == 7: // nobody sends SIGSTKFLT or SIGEMT
				default:
					child.Signal(sig)
				}
			}
		})
		if code != 0 || p.once() != sessions {
			t.Errorf("exit code %d after %d of %d\n%s", code, p.once(), sessions, said)
		}
	})
}

// fatal is the program, which at SIGUSR1 meets what no recover reaches.
func fatal() {
	now := make(chan os.Signal, 1)
	signal.Notify(now, syscall.SIGUSR1)
	how := os.Args[1]
	os.Args = append(os.Args[:1], os.Args[2:]...)
	go func() {
		switch <-now; how {
		case "stack":
			debug.SetMaxStack(1 << 20)
			var deeper func(int) int
			deeper = func(n int) int { return deeper(n+1) + 1 }
			os.Exit(deeper(1))
		case "map":
			m := map[int]int{}
			var forever sync.WaitGroup
			for range 8 {
				forever.Go(func() {
					for i := 0; ; i++ {
						m[i%8] = i
					}
				})
			}
			forever.Wait()
		default:
			panic("a goroutine of a library")
		}
	}()
	program()
}

// TestCrashIsNotExitCodeTwo lets a run meet what ends the process whatever is done. By its exit code
// nobody can take it for a run that sent nothing, and the same command goes on.
func TestCrashIsNotExitCodeTwo(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"stack", "map", "panic"} {
		t.Run(how, func(t *testing.T) {
			p := newPlace(t, sandbox.Config{})
			const sessions = 60
			p.contacts("may.csv", 0, sessions)
			c := p.run("--rate", "100/s", "may.csv")
			as(t, c, "fatal", how)
			var out strings.Builder
			c.Stderr = &out
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			eventually(t, func() bool { return p.box.Stats().Calls >= 5 })
			c.Process.Signal(syscall.SIGUSR1)
			c.Wait()
			status, ok := c.ProcessState.Sys().(syscall.WaitStatus)
			if !ok || status.Signal() != syscall.SIGABRT || status.CoreDump() {
				t.Errorf("it ended with %v\n%s", c.ProcessState, out.String())
			}
			again := p.run("--rate", "unlimited", "may.csv")
			if again.Run(); again.ProcessState.ExitCode() != 0 && again.ProcessState.ExitCode() != 4 {
				t.Errorf("the same command then ends with %v", again.ProcessState)
			}
			for session, seen := range p.box.Stats().Sessions {
				if seen.Calls > 1 {
					t.Errorf("session %s was called %d times", session, seen.Calls)
				}
			}
			if got := p.once(); got < sessions-17 {
				t.Errorf("%d of %d were accepted in the end", got, sessions)
			}
		})
	}
}
