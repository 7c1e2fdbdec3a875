package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"hppsend/internal/contact"
	"hppsend/pipeline"
)

// Process is what the program is given to work with.
type Process struct {
	Args           []string // without the program's name
	Env            []string
	Signals        <-chan os.Signal
	Stdin          *os.File
	Stdout, Stderr *os.File
	Policy         PolicyFile // of this machine; the zero value is the one of the system
}

// Endings are the signals that ask the process to end, for its caller to pass on as Process.Signals.
func Endings() []os.Signal { return slices.Clone(endings) }

// Main runs the program and gives its exit code.
func Main(p Process) int {
	signal.Ignore(ignoredSignals...)
	uncaught()
	limitHeap()
	log.SetOutput(io.Discard) // net/http prints there what a server sends unasked, which may hold a contact
	p.Policy.Path = cmp.Or(p.Policy.Path, systemPolicy)
	a := &app{Process: p, console: newConsole(p.Stderr)}
	ctx, end := a.listen(context.Background())
	defer end()
	code := exitOK
	root := a.root(&code)
	root.SetArgs(p.Args)
	root.SetIn(p.Stdin)
	root.SetOut(p.Stdout)
	root.SetErr(p.Stderr)
	if err := pipeline.Guarded(func() error { return root.ExecuteContext(ctx) }); err != nil {
		if errors.Is(err, context.Canceled) && a.caught() != nil {
			err = &pipeline.Error{Kind: pipeline.Stopped, Problem: "stopped before anything was sent", Todo: "the same command starts again"}
		}
		a.console.fail(err)
		if a.lines != nil {
			a.lines.fail(err)
		}
		return a.codeBeside(code, err)
	}
	return code
}

// uncaught sees to what no recover reaches, such as a stack or a memory that is full, or a panic in a
// goroutine of a library: Go would end the process with status 2, ours for "nothing was sent". It ends
// by SIGABRT instead, which a shell tells as 134.
func uncaught() {
	noCore()
	debug.SetTraceback("crash")
}

// app is one invocation.
type app struct {
	Process
	console *console
	lines   *lines // JSON lines on stdout; nil without --json

	ledgerFlag string // --ledger as it was typed, with a space before it; empty where it was not
	signals
}

// command wraps what a command does: settings first, and every error goes to one place.
func (a *app) command(s *settings, flags func(*settings, *flagSet), code *int,
	do func(context.Context, *settings, []string) (int, error),
) func(*cobra.Command) *cobra.Command {
	return func(c *cobra.Command) *cobra.Command {
		flags(s, &flagSet{c.Flags()})
		c.RunE = func(c *cobra.Command, args []string) error {
			if err := a.load(s, c.Flags()); err != nil {
				return err
			}
			if f := c.Flags().Lookup("ledger"); f != nil && f.Changed {
				a.ledgerFlag = " --ledger " + word(s.ledger)
			}
			a.console.configure(s.quiet, s.logFormat == "json")
			if s.json {
				a.lines = newLines(a.Stdout)
			}
			var err error
			*code, err = do(c.Context(), s, args)
			return err
		}
		return c
	}
}

// load fills in the settings of a command, as this machine has them.
func (a *app) load(s *settings, flags *pflag.FlagSet) error {
	s.policyFile = a.Policy
	return s.load(flags, a.Env)
}

func (a *app) root(code *int) *cobra.Command {
	root := &cobra.Command{
		Use:   "hppsend",
		Short: "Send the payment links of Klarna HPP sessions in bulk, by SMS and e-mail",
		Long: `hppsend reads a spreadsheet (CSV or XLSX) whose rows hold a Klarna HPP session and a contact,
asks HPP to send each session's payment link, no faster than you may, and writes a report that
says of every row whether it was delivered or rejected, and why. No session is sent twice.`,
		Example: `  hppsend run --environment sandbox campaign.xlsx      try it: no account, no network
  hppsend check campaign.xlsx                          what would happen, and what is wrong
  hppsend run --environment playground campaign.xlsx   the real thing, on Klarna's playground`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 && !(a.interactive() && areFiles(args)) {
				return usage(
					fmt.Sprintf("there is no command %q", args[0]),
					"hppsend --help lists the commands; to send a file say: hppsend run --environment … FILE",
				)
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return c.Help()
			}
			*code = a.runWindow(c.Context(), args)
			return nil
		},
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usage(contact.MaskAll(err.Error()), c.CommandPath()+" --help lists the flags")
	})
	root.AddCommand(a.orderCommands(code)...)
	root.AddCommand(a.findCommands(code)...)
	root.AddCommand(
		a.command(&settings{}, (*settings).runFlags, code, a.run)(&cobra.Command{
			Use: "run FILE…", Short: "Check the files, send what is due, and write the reports", Args: files,
			Long: `Reads each file whole and judges every row, then sends what is due, then writes a report beside
each file. Typed again it goes on where it stopped: what HPP accepted, or may have accepted, is
never sent again.`,
			Example: `  hppsend run --environment sandbox campaign.xlsx
  hppsend run --environment production --region eu --default-country SE --yes contacts.csv
  hppsend run --environment production --limit 10 contacts.csv      the first ten only`,
		}),
		a.command(&settings{}, (*settings).checkFlags, code, a.check)(&cobra.Command{
			Use: "check FILE…", Short: "Say what a run would do, and send nothing", Args: files,
			Long: `Reads each file whole and judges every row. Needs no credentials; with a target it also looks into
the ledger, so that it knows what was sent before.`,
			Example: `  hppsend check campaign.xlsx
  hppsend check --environment production --json contacts.csv
  hppsend check -o checked.xlsx contacts.csv      with what was found beside each row`,
		}),
		a.command(&settings{}, (*settings).workerFlags, code, a.worker)(&cobra.Command{
			Use: "worker", Short: "Send what was handed to the workers, on this machine and others", Args: noArgs,
			Long: `Takes rows of the runs that hppsend run --shared hands over, for the same target and user, and sends
them. As many as are wanted may run, on any machine that reaches the ledger's database; one that dies
is replaced by the others. Signalled to end, it lets calls under way end, and leaves the rest to them.`,
			Example: `  hppsend worker --environment production --ledger postgres://sender@db/links --listen 127.0.0.1:9180`,
		}),
		a.command(&settings{}, (*settings).reportFlags, code, a.report)(&cobra.Command{
			Use: "report FILE", Short: "Write the report of a file again", Args: oneFile,
			Long: `Joins the file and the ledger into a report, with the options of the last run on the same bytes.
Works while that run goes on, and after a crash. Sends nothing.`,
			Example: `  hppsend report --environment production contacts.csv`,
		}),
		a.command(&settings{}, (*settings).trackFlags, code, a.track)(&cobra.Command{
			Use: "track [RUN…]", Short: "Tell how it went: what was opened, completed, cancelled, and what still waits",
			Long: `Looks at the sessions of what runs have sent, at the pace that all runs share, and tells how many were
opened, completed, cancelled or expired, by method, country, hour of sending, label and reminder. What it
learns is kept in the ledger; typed again, it asks only for those that have not ended. An uncertain row
whose session was seen waiting before its call, and has been opened since, is settled as delivered. Exit
code 0 when all sessions have ended, 5 while some have not.`,
			Example: `  hppsend track --environment production k3v9…
  hppsend track --environment production --since 7d -o how-it-went.xlsx
  hppsend track --environment production --label may --json`,
		}),
		a.command(&settings{}, (*settings).settleFlags, code, a.settle)(&cobra.Command{
			Use: "settle RUN [SESSION…]", Short: "Say what became of a run's uncertain rows", Args: oneRun,
			Long: `Lists the rows of a run that may have been sent and may not, with what Klarna needs to look them up.
Told what became of them, it ends the doubt: delivered is never sent again, not-sent goes out with
the next run. It may be used while a run goes on.`,
			Example: `  hppsend settle --environment production --input contacts.csv k3v9…
  hppsend settle --environment production k3v9… --as delivered 5f1e7a60-…
  hppsend settle --environment production k3v9… --decisions contacts.report.xlsx`,
		}),
		a.command(&settings{}, (*settings).runsFlags, code, a.runs)(&cobra.Command{
			Use: "runs [RUN]", Short: "List the runs that the ledger knows, or show one in detail", Args: atMostOne,
			Example: `  hppsend runs --environment production
  hppsend runs --environment production --json k3v9…`,
		}),
		a.command(&settings{}, (*settings).purgeFlags, code, a.purge)(&cobra.Command{
			Use: "purge", Short: "Forget what was sent long ago", Args: noArgs,
			Long: `Takes old distributions, and runs of which nothing is left, out of the ledger. A session that is
forgotten is sent again if a file names it again, so nothing within the life of a session (48 h)
is forgotten without --force.`,
			Example: `  hppsend purge --environment production --older-than 90d`,
		}),
		a.command(&settings{}, (*settings).commonFlags, code, a.template)(&cobra.Command{
			Use: "template OUT", Short: "Write an empty spreadsheet with the right headers", Args: oneFile,
			Example: `  hppsend template sessions.xlsx`,
		}),
		a.command(&settings{}, (*settings).sandboxFlags, code, a.sandbox)(&cobra.Command{
			Use: "sandbox", Short: "Serve an emulator of HPP on this machine", Args: noArgs,
			Example: `  hppsend sandbox --addr 127.0.0.1:8085
  hppsend run --endpoint http://127.0.0.1:8085 campaign.xlsx`,
		}),
		a.pageCommand(code),
		&cobra.Command{Use: "page", Short: "About the upload page: people, approval, an identity provider, what is kept", Long: helpPage},
		group(&cobra.Command{Use: "audit", Short: "Verify or export the audit trail of the upload page"},
			a.command(&settings{}, (*settings).auditFlags, code, a.verifyAudit)(&cobra.Command{
				Use: "verify", Short: "See whether the audit trail is as it was written", Args: noArgs,
				Example: `  hppsend audit verify --environment production`,
			}),
			a.command(&settings{}, (*settings).auditFlags, code, a.exportAudit)(&cobra.Command{
				Use: "export", Short: "Write the audit trail as CSV to standard output", Args: noArgs,
				Example: `  hppsend audit export --environment production > audit.csv`,
			})),
		a.ledgerCommand(code),
		&cobra.Command{Use: "machines", Short: "About a ledger in a database, which several machines share", Long: helpMachines},
		&cobra.Command{Use: "rules", Short: "About rules on who must not be messaged, when, and how many", Long: helpRules},
		&cobra.Command{Use: "policy", Short: "About rules that a team or a machine sets, and who may loosen them", Long: helpOnPolicy()},
		group(&cobra.Command{Use: "config", Short: "Show the settings that are in force"},
			a.command(&settings{}, (*settings).runFlags, code, a.showConfig)(&cobra.Command{
				Use: "show", Short: "Print every setting of a run, and where it is from", Args: noArgs,
				Example: `  hppsend config show --config hppsend.yaml --profile night`,
			})),
		a.command(&settings{}, (*settings).commonFlags, code, a.man)(&cobra.Command{
			Use: "man FOLDER", Short: "Write the manual pages into a folder", Args: oneFile,
		}),
		a.command(&settings{}, (*settings).versionFlags, code, a.version)(&cobra.Command{
			Use: "version", Short: "Tell version, commit and Go version", Args: noArgs,
		}),
	)
	return root
}

// pageCommand is the serve command and, under it, those on its people.
func (a *app) pageCommand(code *int) *cobra.Command {
	serve := a.command(&settings{}, (*settings).serveFlags, code, a.serve)(&cobra.Command{
		Use: "serve", Short: "Serve a page on which people bring, mend, approve and send spreadsheets", Args: noArgs,
		Long: `Serves a page on which a spreadsheet is uploaded, its problems are mended in the cell, another person
approves, and it is sent and reported on. In the sandbox and the playground it is for the person who
starts it, on this machine; in production people sign in, each with roles.`,
		Example: `  hppsend serve --environment sandbox
  hppsend serve --config hppsend.yaml --account shop --public-url https://links.example.com --behind-proxy 127.0.0.1`,
	})
	serve.AddCommand(group(
		&cobra.Command{Use: "user", Short: "Invite people, give them roles, keep them out"},
		a.command(&settings{}, (*settings).peopleFlags, code, a.addPerson)(&cobra.Command{
			Use: "add LOGIN", Short: "Invite somebody, or give a new invitation", Args: oneLogin,
			Example: `  hppsend serve user add anna@example.com --name "Anna" --environment production --role uploader`,
		}),
		a.command(&settings{}, (*settings).peopleFlags, code, a.listPeople)(&cobra.Command{
			Use: "list", Short: "List everybody, with their roles", Args: noArgs,
		}),
		a.command(&settings{}, (*settings).peopleFlags, code, a.personRoles)(&cobra.Command{
			Use: "role LOGIN", Short: "Make somebody's roles on an account what they are to be", Args: oneLogin,
			Example: `  hppsend serve user role anna@example.com --environment production --role uploader --role settler`,
		}),
		a.command(&settings{}, (*settings).peopleFlags, code, a.disablePerson)(&cobra.Command{
			Use: "disable LOGIN", Short: "Keep somebody out, from now on", Args: oneLogin,
		}),
	))
	return serve
}

func oneLogin(c *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usage(fmt.Sprintf("one person is to be named, and there are %d", len(args)), "say: "+c.CommandPath()+" LOGIN")
	}
	return nil
}

// group is a command that only has others under it.
func group(parent *cobra.Command, under ...*cobra.Command) *cobra.Command {
	parent.Args = func(_ *cobra.Command, args []string) error {
		if len(args) > 0 {
			return usage(fmt.Sprintf("there is no command %s %q", parent.Name(), args[0]), parent.Name()+" --help lists the commands")
		}
		return nil
	}
	parent.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	parent.AddCommand(under...)
	return parent
}

func files(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usage("no file is named", "say: "+c.CommandPath()+" FILE")
	}
	return nil
}

func oneFile(c *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usage(fmt.Sprintf("one file is to be named, and there are %d", len(args)), "say: "+c.CommandPath()+" FILE")
	}
	return nil
}

func oneRun(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usage("no run is named", "the summary of a run and its report name it; say: "+c.CommandPath()+" RUN")
	}
	return nil
}

func atMostOne(c *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usage(fmt.Sprintf("%s takes one name, and there are %d", c.CommandPath(), len(args)), c.CommandPath()+" --help shows what it takes")
	}
	return nil
}

func noArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage(fmt.Sprintf("%s takes no %q", c.CommandPath(), strings.Join(args, " ")), c.CommandPath()+" --help shows what it takes")
	}
	return nil
}
