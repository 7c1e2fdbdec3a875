package campaign

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hppsend/internal/contact"
	"hppsend/internal/ledger"
	"hppsend/pipeline"
	"hppsend/reader"
)

// PlanFile is a plan as a file that somebody can read, sign and carry elsewhere: one for all files of a command. It
// holds no contact, and every byte of it is what was written: who has not the ledger's secret can make none.
type PlanFile struct {
	Approved
	Path        string
	Digest      [32]byte // SHA-256 of its bytes, as sha256sum gives it
	Bytes       []byte   // what is signed
	Made        time.Time
	SubmittedBy string // who wants it sent, as was said
	WrittenBy   string // the user of the system who wrote it, and where
}

const (
	planType   = "hppsend plan"
	planFormat = 1
	planBegins = "{\n  \"type\": \"" + planType + "\""
	// maxPlan is how large the file of a plan may be: about 24 bytes a message, so ten million.
	maxPlan = 256 << 20
	// plainContent is from how many rows on a plan has the plain hash of a file, for sha256sum. A file of few rows
	// would be found by trying all numbers in the place of one.
	plainContent = 10
	perLine      = 3 // effects, which makes 64 characters
)

// planDoc is what the file says.
type planDoc struct {
	planHead
	effects []pipeline.Effect
}

// planHead is its form, less the effects, which stand where Effects does. What comes first is for people.
type planHead struct {
	Type        string            `json:"type"`
	Format      int               `json:"format"`
	ID          string            `json:"id"` // so that no two plans are one
	Made        time.Time         `json:"made"`
	SubmittedBy string            `json:"submitted_by"`
	WrittenBy   string            `json:"written_by"`
	Ledger      string            `json:"ledger"` // tells ledgers apart, and nothing of the secret
	Files       []plannedFile     `json:"files"`
	Rows        int               `json:"rows"`
	ToBeSent    int               `json:"to_be_sent"`
	Messages    []plannedMessages `json:"messages"`
	Status      map[string]int    `json:"status"`
	Codes       map[string]int    `json:"codes"`
	Options     json.RawMessage   `json:"options"`
	Effects     []struct{}        `json:"effects"`
	MAC         string            `json:"mac"` // of all else
}

type plannedFile struct {
	Name     string `json:"name"`
	Sheet    string `json:"sheet,omitempty"`
	Rows     int    `json:"rows"`
	ToBeSent int    `json:"to_be_sent"`
	Content  string `json:"content"`
	SHA256   string `json:"sha256,omitempty"`
}

type plannedMessages struct {
	Method  string `json:"method"`
	Country string `json:"country,omitempty"`
	Count   int    `json:"count"`
}

// noEffects is where the head of a plan, which is encoded by itself, has the effects: they are many.
const (
	noEffects    = "\n  \"effects\": []"
	effectsBegin = "\n  \"effects\": [\n"
	effectsEnd   = "\n  ]"
	effectBegin  = "    \""
)

// writeTo writes the file as json.MarshalIndent would.
func (d planDoc) writeTo(w io.Writer) error {
	head, err := json.MarshalIndent(d.planHead, "", "  ")
	if err != nil {
		return err
	}
	before, after, _ := strings.Cut(string(head), noEffects) // no text holds a line feed
	if len(d.effects) == 0 {
		before, after = string(head), ""
	}
	out := bufio.NewWriter(w)
	out.WriteString(before)
	lead := effectsBegin
	var line [perLine * len(pipeline.Effect{})]byte
	for group := range slices.Chunk(d.effects, perLine) {
		n := 0
		for _, e := range group {
			n += copy(line[n:], e[:])
		}
		out.WriteString(lead + effectBegin + base64.StdEncoding.EncodeToString(line[:n]) + `"`)
		lead = ",\n"
	}
	if len(d.effects) > 0 {
		out.WriteString(effectsEnd)
	}
	out.WriteString(after + "\n")
	return out.Flush()
}

// decodePlan reads a file that writeTo has written; of another it may find an error, or something that is written
// otherwise.
func decodePlan(text []byte) (d planDoc, err error) {
	before, rest, many := bytes.Cut(text, []byte(effectsBegin))
	if many {
		lines, after, _ := bytes.Cut(rest, []byte(effectsEnd))
		text = slices.Concat(before, []byte(noEffects), after)
		d.effects = make([]pipeline.Effect, 0, len(lines)/24)
		for line := range bytes.SplitSeq(lines, []byte("\n")) {
			line = bytes.TrimSuffix(bytes.TrimPrefix(line, []byte(effectBegin)), []byte(","))
			sums, err := base64.StdEncoding.DecodeString(string(bytes.TrimSuffix(line, []byte(`"`))))
			if err != nil || len(sums)%len(pipeline.Effect{}) != 0 {
				return d, fmt.Errorf("an effect: %w", err)
			}
			for sum := range slices.Chunk(sums, len(pipeline.Effect{})) {
				d.effects = append(d.effects, pipeline.Effect(sum))
			}
		}
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	return d, dec.Decode(&d.planHead)
}

// mac is what only who has the ledger's secret can make, over all of the file but itself.
func (d planDoc) mac(l *ledger.Ledger) (string, error) {
	d.MAC = ""
	mac := hmac.New(sha256.New, l.Key("approved plan file"))
	err := d.writeTo(mac)
	return hex.EncodeToString(mac.Sum(nil)), err
}

// sameAs compares what is written with a text.
type sameAs struct {
	text  []byte
	other bool
}

func (s *sameAs) Write(p []byte) (int, error) {
	if !bytes.HasPrefix(s.text, p) {
		s.other = true
	}
	s.text = s.text[min(len(s.text), len(p)):]
	return len(p), nil
}

// ledgerName tells a ledger from others.
func ledgerName(l *ledger.Ledger) string {
	return hex.EncodeToString(l.Key("approved plan ledger")[:8])
}

// Submitter is who wants a plan sent: as was said, and the user of the system, with the host.
type Submitter struct{ Said, User string }

// WritePlan gives the file of what a check has found, by the ledger that it will be sent by.
func (o Options) WritePlan(l *ledger.Ledger, plan *pipeline.Plan, by Submitter, now time.Time) ([]byte, error) {
	approved, err := o.Plan("", PlanKey(l), plan)
	if err != nil {
		return nil, err
	}
	d := planDoc{effects: approved.Effects, planHead: planHead{
		Type: planType, Format: planFormat, ID: strings.ToLower(rand.Text()[:12]), Made: now.UTC().Truncate(time.Second),
		SubmittedBy: by.Said, WrittenBy: by.User, Ledger: ledgerName(l), Rows: plan.Total.Rows, ToBeSent: plan.Due,
		Files: []plannedFile{}, Messages: []plannedMessages{}, Status: map[string]int{}, Codes: map[string]int{}, Effects: []struct{}{},
		Options: approved.Terms,
	}}
	for i, f := range plan.Files {
		p := plannedFile{
			Name: contact.MaskAll(filepath.Base(f.Input.Path)), Sheet: contact.MaskAll(f.Input.Sheet), Rows: f.Tally.Rows, ToBeSent: f.Due,
			Content: hex.EncodeToString(approved.Contents[i][:]),
		}
		if f.Tally.Rows >= plainContent {
			p.SHA256 = hex.EncodeToString(f.Input.SHA256[:])
		}
		d.Files = append(d.Files, p)
	}
	for ch, n := range plan.Messages {
		d.Messages = append(d.Messages, plannedMessages{string(ch.Method), ch.Country, n})
	}
	slices.SortFunc(d.Messages, func(a, b plannedMessages) int { return strings.Compare(a.Method+a.Country, b.Method+b.Country) })
	for status, n := range plan.Total.Status {
		if status != pipeline.Pending && n > 0 { // to be sent, or held by another run
			d.Status[string(status)] = n
		}
	}
	for _, g := range plan.Total.Groups {
		if g.Code != "" && g.Code != pipeline.CodeNotReached {
			d.Codes[g.Code] += g.Rows
		}
	}
	if d.MAC, err = d.mac(l); err != nil {
		return nil, err
	}
	var text bytes.Buffer
	text.Grow(1<<12 + 24*len(d.effects))
	err = d.writeTo(&text)
	return text.Bytes(), err
}

// notAsWritten refuses a file of which something was changed.
func notAsWritten(path string) error {
	return usage("the plan "+path+" is not as it was written", "take the file that hppsend check --plan wrote, without a change, or write it anew")
}

// ReadPlan reads the file of a plan that is to be sent by a ledger. That it is what was written for this ledger is
// certain then; not who has approved it, nor that it is not too old.
func ReadPlan(path string, l *ledger.Ledger) (*PlanFile, error) {
	text, err := ReadSmall(path, maxPlan)
	if err != nil {
		return nil, err
	}
	d, err := decodePlan(text)
	if err != nil || d.Type != planType {
		if d.Type == planType || bytes.HasPrefix(text, []byte(planBegins)) {
			return nil, notAsWritten(path)
		}
		return nil, usage(path+" is no plan", "hppsend check --plan writes one")
	}
	if d.Format != planFormat {
		return nil, usage(fmt.Sprintf("the plan %s is of another version of hppsend", path), "write it with the version that sends it")
	}
	if d.Ledger != ledgerName(l) {
		return nil, usage("the plan "+path+" was written by another ledger than "+l.Info().Path, "write it on a host with this ledger, or name the other with --ledger")
	}
	same := &sameAs{text: text} // in one form only, so that no byte is left that nothing holds
	if err := d.writeTo(same); err != nil {
		return nil, err
	}
	mac, err := d.mac(l)
	if err != nil {
		return nil, err
	}
	if same.other || len(same.text) > 0 || !hmac.Equal([]byte(mac), []byte(d.MAC)) {
		return nil, notAsWritten(path)
	}
	p := &PlanFile{Path: path, Digest: sha256.Sum256(text), Bytes: text, Made: d.Made, SubmittedBy: d.SubmittedBy, WrittenBy: d.WrittenBy}
	if p.Approved, err = d.approved(); err != nil {
		return nil, notAsWritten(path)
	}
	return p, nil
}

func (d planDoc) approved() (a Approved, err error) {
	var terms bytes.Buffer
	if err := json.Compact(&terms, d.Options); err != nil {
		return a, err
	}
	a.Terms = terms.Bytes()
	for _, f := range d.Files {
		sum, err := hex.DecodeString(f.Content)
		if err != nil || len(sum) != 32 {
			return a, fmt.Errorf("the content of a file: %w", err)
		}
		a.Contents = append(a.Contents, [32]byte(sum))
	}
	a.Effects = d.effects
	return a, nil
}

// ReadSmall reads a file of the configuration, or one beside it, that is no larger than some bytes. Its errors are
// of wrong usage.
func ReadSmall(path string, most int64) ([]byte, error) {
	f, err := reader.OpenRegular(path)
	if err != nil {
		var at *pipeline.Error
		if errors.As(err, &at) {
			err = errors.New(at.Problem)
		}
		return nil, usage(fmt.Sprintf("%s: %v", path, err), "is the name right, and may you read it?")
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	switch {
	case err != nil:
		return nil, usage(fmt.Sprintf("%s: %v", path, pipeline.WithoutPath(err)), "is the name right, and may you read it?")
	case int64(len(text)) > most:
		return nil, usage(fmt.Sprintf("%s is larger than %d KB, which nothing of its kind is", path, most>>10), "is the name right?")
	}
	return text, nil
}
