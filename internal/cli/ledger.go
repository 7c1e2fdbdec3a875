package cli

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"hppsend/internal/ledger"
	"hppsend/pipeline"
)

//go:embed help/machines.md
var helpMachines string

func (s *settings) ledgerFlags(f *flagSet) {
	s.targetFlags(f)
	s.outputFlags(f)
}

func (s *settings) acceptFlags(f *flagSet) {
	s.ledgerFlags(f)
	f.StringVar(&s.by, "by", "", "`NAME` of who accounts for it (default: the user of this machine)")
	f.StringVar(&s.reason, "reason", "", "`TEXT` that says why nothing is sent twice")
}

func (s *settings) moveFlags(f *flagSet) {
	s.ledgerFlags(f)
	f.VarP(pathFlag{value: &s.moveFrom, ledger: true}, "from", "", "the `LEDGER` as it is now (default: that of --ledger)")
	f.VarP(pathFlag{value: &s.moveTo, ledger: true}, "to", "", "where the `LEDGER` is to be: postgres://… or a file")
}

// ledgerCommand is the ledger command, with those under it.
func (a *app) ledgerCommand(code *int) *cobra.Command {
	secret := group(&cobra.Command{Use: "secret", Short: "Bring the secret of a ledger on a server to another machine"},
		a.command(&settings{}, (*settings).ledgerFlags, code, a.exportSecret)(&cobra.Command{
			Use: "export", Short: "Write the secret to standard output", Args: noArgs,
			Example: `  hppsend ledger secret export --environment production --ledger postgres://hppsend@db/links > secret`,
		}),
		a.command(&settings{}, (*settings).ledgerFlags, code, a.importSecret)(&cobra.Command{
			Use: "import FILE", Short: "Take the secret from a file, or from - for standard input", Args: oneFile,
			Example: `  hppsend ledger secret import --environment production --ledger postgres://hppsend@db/links secret`,
		}))
	return group(&cobra.Command{Use: "ledger", Short: "Make a ledger, look how it stands, move it, share it among machines"},
		a.command(&settings{}, (*settings).ledgerFlags, code, a.createLedger)(&cobra.Command{
			Use: "create", Short: "Make the ledger if there is none", Args: noArgs,
			Long: `Makes a ledger: a file, or with --ledger postgres://… tables in a schema of their own, which several
machines share. The user needs the right to make a schema for that, and much less to send: hppsend
help machines has the statements.`,
			Example: `  hppsend ledger create --environment production --ledger postgres://admin@db/links`,
		}),
		a.command(&settings{}, (*settings).ledgerFlags, code, a.migrateLedger)(&cobra.Command{
			Use: "migrate", Short: "Bring the ledger to this version of hppsend", Args: noArgs,
			Example: `  hppsend ledger migrate --environment production --ledger postgres://admin@db/links`,
		}),
		a.command(&settings{}, (*settings).ledgerFlags, code, a.ledgerStatus)(&cobra.Command{
			Use: "status", Short: "Say how the ledger stands, and what could be lost with its database", Args: noArgs,
			Long: `Says how the ledger stands: exit code 0 when it may be sent by from this machine, 1 when not, 2 when there
is none of the environment, 75 when it cannot be reached.`,
			Example: `  hppsend ledger status --environment production --ledger postgres://hppsend@db/links`,
		}),
		secret,
		a.command(&settings{}, (*settings).moveFlags, code, a.moveLedger)(&cobra.Command{
			Use: "move", Short: "Move the ledger from a file to a server, or back", Args: noArgs,
			Long: `Seals the ledger with where it goes, copies all of it, compares, and only then lets the other be sent by.
Cut off at any moment, at most one of them may send; the same command then goes on.`,
			Example: `  hppsend ledger move --environment production --to postgres://admin@db/links
  hppsend ledger move --environment production --from postgres://admin@db/links --to /var/lib/hppsend/production.db`,
		}),
		a.command(&settings{}, (*settings).acceptFlags, code, a.acceptGap)(&cobra.Command{
			Use: "accept", Short: "Account for what a restored database does not know", Args: noArgs,
			Long: `After a restore, or a fail-over to a standby that lagged, a ledger may not know what was sent last, and
nothing is sent until somebody accounts for that. Find out what was sent in the meantime, by the
reports of those runs, and see that it is in no file any more.`,
			Example: `  hppsend ledger accept --environment production --ledger postgres://hppsend@db/links --reason "nothing ran between 02:00 and the restore"`,
		}))
}

// ledgerAt says which ledger of a target is meant: the one at a place, else that of --ledger, else the usual one.
func (a *app) ledgerAt(s *settings, place string) (ledger.Options, error) {
	t, err := s.needTarget()
	if err != nil {
		return ledger.Options{}, err
	}
	place = cmp.Or(place, s.ledger)
	state := ""
	if place == "" || ledger.OnServer(place) {
		if state, err = a.stateFolder(); err != nil {
			return ledger.Options{}, err
		}
	}
	return ledger.Options{
		Path: cmp.Or(place, filepath.Join(state, string(t.Environment)+".db")), State: state, Environment: string(t.Environment),
		Network: s.networkLedger, Wait: busyWait(s.grace), Grace: s.grace,
	}, nil
}

func (a *app) createLedger(ctx context.Context, s *settings, _ []string) (int, error) {
	opt, err := a.ledgerAt(s, "")
	if err != nil {
		return exitOK, err
	}
	there, err := ledger.Exists(ctx, opt)
	if err != nil {
		return exitOK, err
	}
	opt.Create = true
	l, err := ledger.Open(ctx, opt)
	if err != nil {
		return exitOK, err
	}
	defer l.Close()
	if there {
		a.console.say("There is a ledger already.")
	}
	a.tellLedger(l)
	if ledger.OnServer(opt.Path) && !there {
		a.console.say("Its secret is on this machine. Every other one needs it too: hppsend ledger secret export, and import there.")
	}
	return exitOK, nil
}

func (a *app) migrateLedger(ctx context.Context, s *settings, _ []string) (int, error) {
	opt, err := a.ledgerAt(s, "")
	if err != nil {
		return exitOK, err
	}
	if err := ledger.Migrate(ctx, opt); err != nil {
		return exitOK, err
	}
	a.console.sayf("Ledger %s is up to date.", opt.Path)
	return exitOK, nil
}

// standing is a line of type ledger.
type standing struct {
	Type        string    `json:"type"`
	Ledger      string    `json:"ledger"`
	Environment string    `json:"environment"`
	State       string    `json:"state"`
	MovedTo     string    `json:"moved_to,omitempty"`
	Made        time.Time `json:"made"`
	Bytes       int64     `json:"bytes"`
	Living      int       `json:"living_runs"`
	Uncertain   int       `json:"uncertain"`
	Secret      bool      `json:"secret"`
	Gap         bool      `json:"gap"`
	Paused      bool      `json:"paused"`
	Server      string    `json:"server,omitempty"`
	Commit      string    `json:"synchronous_commit,omitempty"`
	Standbys    int       `json:"standbys"`
	Lag         bool      `json:"failover_can_lose"`
	Workers     []hand    `json:"workers,omitempty"`
	PageBytes   int64     `json:"page_bytes,omitempty"`
}

// hand is a worker that lives.
type hand struct {
	Host    string    `json:"host"`
	PID     int       `json:"pid"`
	Target  string    `json:"target"`
	User    string    `json:"user"`
	Version string    `json:"version"`
	Started time.Time `json:"started"`
}

func (a *app) ledgerStatus(ctx context.Context, s *settings, _ []string) (int, error) {
	opt, err := a.ledgerAt(s, "")
	if err != nil {
		return exitOK, err
	}
	st, err := ledger.Stand(ctx, opt)
	if err != nil {
		return exitOK, err
	}
	var hands []hand
	for _, w := range st.Workers {
		hands = append(hands, hand{w.Host, w.PID, w.Target, w.UserName, w.Version, w.Started.UTC()})
	}
	a.lines.write(standing{
		"ledger", st.Path, st.Environment, st.State, st.MovedTo, st.Made.UTC(), st.Size, st.Living, st.Uncertain, st.Secret, st.Gap != "", st.Halted.Order != pipeline.GoOn, st.Server, st.Commit, st.Standbys, st.Lag, hands, st.PageSize,
	})
	a.tellStanding(st)
	if st.State != "open" || !st.Secret || st.Gap != "" {
		return exitBroken, nil
	}
	return exitOK, nil
}

func (a *app) tellStanding(st ledger.Standing) {
	say := a.console.sayf
	say("Ledger %s, %s, begun %s, %s", st.Path, st.Environment, st.Made.Local().Format("2006-01-02 15:04"), size(st.Size))
	say("%s under way, %s in doubt", plural(st.Living, "run"), plural(st.Uncertain, "row"))
	if st.Halted.Order != pipeline.GoOn {
		say("All runs are %s; hppsend resume --all lets them go on.", st.Halted)
	}
	switch st.State {
	case "moved", "leaving":
		say("It was moved to %s: nothing is sent by it any more.", st.MovedTo)
	case "incoming", "ready":
		say("A ledger was being moved into it, and that was cut off. Say the same hppsend ledger move once more.")
	}
	if !st.Secret {
		say("Its secret is not on this machine: export it on another with hppsend ledger secret export, and import it here.")
	}
	if st.Gap != "" {
		say("Its database was restored, or another took its place: %s.", st.Gap)
	}
	if st.Server == "" {
		return
	}
	way := "not encrypted"
	if st.Encrypted {
		way = "encrypted"
	}
	say("PostgreSQL %s, synchronous_commit %s; the way there is %s", st.Server, st.Commit, way)
	switch {
	case st.Lag:
		say("%s, none of them synchronous: a fail-over can lose what was sent last. Set synchronous_standby_names to rule that out.", plural(st.Standbys, "standby"))
	case st.Standbys > 0:
		say("%s, of which one at least has what is committed.", plural(st.Standbys, "standby"))
	default:
		say("No standby.")
	}
	if st.PageSize > 0 {
		say("The books of the page take %s.", size(st.PageSize))
	}
	if len(st.Workers) == 0 {
		say("No worker.")
	}
	for _, w := range st.Workers {
		say("Worker on %s, process %d, for %s as %s, %s, since %s", w.Host, w.PID, w.Target, w.UserName, w.Version, w.Started.Local().Format("2006-01-02 15:04"))
	}
}

// plural gives a number with its noun.
func plural(n int, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case noun == "standby":
		return fmt.Sprintf("%d standbies", n)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func (a *app) exportSecret(ctx context.Context, s *settings, _ []string) (int, error) {
	opt, err := a.ledgerAt(s, "")
	if err != nil {
		return exitOK, err
	}
	text, err := ledger.ExportSecret(ctx, opt)
	if err != nil {
		return exitOK, err
	}
	if _, err := io.WriteString(a.Stdout, text); err != nil {
		return exitOK, err
	}
	a.console.say("Whoever has it can find out whether a contact is in the ledger. Bring it to the other machine in secret, and take the copy away.")
	return exitOK, nil
}

func (a *app) importSecret(ctx context.Context, s *settings, args []string) (int, error) {
	opt, err := a.ledgerAt(s, "")
	if err != nil {
		return exitOK, err
	}
	const most = 1 << 12
	from := io.Reader(a.Stdin)
	if args[0] != stdout {
		f, err := os.Open(args[0])
		if err != nil {
			return exitOK, usage("the secret cannot be read: "+pipeline.WithoutPath(err).Error(), "name the file with the output of hppsend ledger secret export, or - for standard input")
		}
		defer f.Close()
		from = f
	}
	text, err := io.ReadAll(io.LimitReader(from, most))
	if err != nil {
		return exitOK, err
	}
	if err := ledger.ImportSecret(ctx, opt, string(text)); err != nil {
		return exitOK, err
	}
	a.console.sayf("The secret of ledger %s is on this machine.", opt.Path)
	return exitOK, nil
}

func (a *app) moveLedger(ctx context.Context, s *settings, _ []string) (int, error) {
	if s.moveTo == "" {
		return exitOK, usage("it is not said where the ledger is to be", "name it with --to, as postgres://… or a file")
	}
	from, err := a.ledgerAt(s, s.moveFrom)
	if err != nil {
		return exitOK, err
	}
	to := from
	to.Path = s.moveTo
	moved, err := ledger.Move(ctx, from, to)
	if err != nil {
		return exitOK, err
	}
	if moved.Before {
		a.console.sayf("It was moved to %s before.", moved.To)
		return exitOK, nil
	}
	a.console.sayf("Moved %s of %s from %s to %s, and compared them.", plural(int(moved.Records), "distribution"), plural(int(moved.Runs), "run"), moved.From, moved.To)
	a.console.sayf("Nothing is sent by the old one any more. From now on say --ledger %s, or set HPPSEND_LEDGER.", word(s.moveTo))
	return exitOK, nil
}

func (a *app) acceptGap(ctx context.Context, s *settings, _ []string) (int, error) {
	opt, err := a.ledgerAt(s, "")
	if err != nil {
		return exitOK, err
	}
	if s.reason == "" {
		return exitOK, usage("it is not said why nothing is sent twice", "say what was found out with --reason TEXT; it is kept")
	}
	found, err := ledger.Accept(ctx, opt, a.who(s), s.reason)
	if err != nil {
		return exitOK, err
	}
	if !found {
		a.console.say("There is no gap.")
		return exitOK, nil
	}
	a.console.say("The gap is accounted for. What was sent in it is sent again if a file names it.")
	return exitOK, nil
}
