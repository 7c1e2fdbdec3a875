package campaign

import (
	"context"
	"encoding/json"
	"io"
	"time"

	"hppsend/internal/ledger"
	"hppsend/pipeline"
)

// Ports are what a campaign works with. All but Confirm are needed by Run; the caller closes the ledger.
type Ports struct {
	Ledger *ledger.Ledger // for Check, nil where there is none
	// Dial makes the calls possible, once anything is to be sent.
	Dial func() (Caller, error)
	// Confirm is asked before anything is sent; its error ends the campaign. Nil: nobody is asked.
	Confirm func(context.Context, *pipeline.Plan) error
	Stdin   io.Reader // what the path reader.Stdin stands for
	// Record gives what the ledger keeps of how a file's run came out.
	Record   func(FileResult) json.RawMessage
	Observer Observer
	// Stop is closed when no new call is to be made. Before the first one it ends the campaign.
	Stop <-chan struct{}
}

// Caller makes the calls of a campaign.
type Caller interface {
	pipeline.Sender
	pipeline.Looker
	Close()
}

// Observer hears what a person may want to know. It is called from one goroutine at a time and must not
// block.
type Observer interface {
	pipeline.Observer
	Tell(Event)
}

// Event is a step of a campaign: Checked, Sampled, Refused, Sending, Handed, Sent or Reported.
type Event interface{ event() }

type (
	// Checked tells what the check has found in all files.
	Checked struct{ Plan *pipeline.Plan }
	// Refused tells of a file that is left out, while the others are sent.
	Refused struct{ Err error }
	// Sending tells that the sending of a file begins.
	Sending struct {
		File string
		Due  int // rows to be sent
	}
	// Handed tells of a file that the workers send from now on.
	Handed struct {
		File, Run string
		Due       int
	}
	// Sent tells that no call is made any more.
	Sent struct{}
	// Reported tells of a file whose report was written, as far as it could be.
	Reported struct{ FileResult }
)

func (Checked) event()  {}
func (Refused) event()  {}
func (Sending) event()  {}
func (Handed) event()   {}
func (Sent) event()     {}
func (Reported) event() {}

// Result is what a campaign came to.
type Result struct {
	Files   []FileResult // those with a run
	Total   pipeline.Tally
	Ending  pipeline.Ending
	Refused []error // why files were left out
	Away    bool    // the workers go on by themselves; there is no report of what they have
	Err     error   // what broke the run, and what went wrong with reports and book-keeping
}

// FileResult is what a file came to.
type FileResult struct {
	Path    string
	Run     string
	Tally   pipeline.Tally
	Ending  pipeline.Ending
	Report  string // where it lies; empty where there is none
	Rejects string // likewise, of the rejected rows
	Started time.Time
	Ended   time.Time
	Err     error // of the report, or of putting the file away
}
