package desk

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hppsend/internal/campaign"
)

// Seat is the desk as one person sees it, who has signed in: nothing of other accounts is there.
type Seat struct {
	Person
	Until time.Time // when the person has to sign in again at the latest

	d       *Desk
	session string
}

// May reports whether the person has one of some roles on an account.
func (s *Seat) May(account string, any ...Role) bool { return contains(s.Roles[account], any...) }

// MayAnywhere reports whether the person has one of some roles on any account.
func (s *Seat) MayAnywhere(any ...Role) bool { return len(s.AccountsAs(any...)) > 0 }

// AccountsAs gives the accounts on which the person has one of some roles; without roles, all that the person sees.
func (s *Seat) AccountsAs(any ...Role) (names []string) {
	for _, account := range s.d.AccountNames() {
		if len(s.Roles[account]) > 0 && (len(any) == 0 || s.May(account, any...)) {
			names = append(names, account)
		}
	}
	return names
}

// Clear reports whether the person sees an account's contacts in clear.
func (s *Seat) Clear(account string) bool { return s.May(account, Uploader, Approver, Settler) }

// Account gives what people are to know of an account: where it sends to, as whom and how fast, and how many
// people approve so many messages.
func (s *Seat) Account(name string) (opt campaign.Options, approvers Approvers, err error) {
	if len(s.Roles[name]) == 0 || s.d.accounts[name] == nil {
		return opt, nil, notFound()
	}
	return s.d.accounts[name].Options, s.d.accounts[name].Approvers, nil
}

// Limits are those of the desk.
func (s *Seat) Limits() Limits { return s.d.Config.Limits }

// Keep is how long uploads are kept.
func (s *Seat) Keep() time.Duration { return s.d.Config.Keep }

// Upload is a file that came in, and how it stands.
type Upload struct {
	ID, Account   string
	State         State
	Name          string // of the file, as its owner calls it
	ByID, By      string // who brought it
	Made, Changed time.Time
	Size          int64
	SHA256        [32]byte
	Reading       Reading
	Edits         int // how often it was changed
	Digest        string
	Approvers     int // people who have to approve it, as it was asked for; 0: who asked may
	AskerID       string
	Asker         string
	Asked         time.Time
	Due           int // messages, as it was asked for
	LeftOut       int // rows that are left out, likewise
	Start         time.Time
	Note          string // of who asked
	Reason        string // why it came back, or ended as it did
}

// Reading is how a person has said that an upload is read, and what of it is sent.
type Reading struct {
	campaign.Reading
	RetryRejected bool `json:"retry_rejected,omitempty"`
}

// queryer is the books, or a transaction of them.
type queryer interface {
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
	QueryRowContext(context.Context, string, ...any) *sql.Row
}

const uploadColumns = `u.id, u.account, u.state, u.name, u.person, p.name, u.made, u.changed, u.size, u.sha256, u.reading, u.edits,
	u.digest, u.approvers, coalesce(u.asker, ''), coalesce(q.name, ''), u.asked, u.due, u.left_out, u.start, u.note, u.reason
	FROM upload u JOIN person p ON p.id = u.person LEFT JOIN person q ON q.id = u.asker`

// seen holds uploads to what a person may see.
const seen = ` u.account IN (SELECT account FROM role WHERE person = ?) `

func (d *Desk) scan(row interface{ Scan(...any) error }) (*Upload, error) {
	u := &Upload{}
	var name, sum, reading, digest, note, reason []byte
	var made, changed, asked, start int64
	if err := row.Scan(&u.ID, &u.Account, &u.State, &name, &u.ByID, &u.By, &made, &changed, &u.Size, &sum, &reading, &u.Edits,
		&digest, &u.Approvers, &u.AskerID, &u.Asker, &asked, &u.Due, &u.LeftOut, &start, &note, &reason); err != nil {
		return nil, err
	}
	u.Made, u.Changed, u.Asked, u.Start = moment(made), moment(changed), moment(asked), moment(start)
	u.SHA256, u.Digest = [32]byte(sum), hex.EncodeToString(digest)
	a := d.accounts[u.Account]
	if a == nil {
		return nil, notFound()
	}
	var errs [4]error
	u.Name, errs[0] = a.key.open(u.ID+" name", name)
	u.Note, errs[1] = a.key.open(u.ID+" note", note)
	u.Reason, errs[2] = a.key.open(u.ID+" reason", reason)
	errs[3] = a.key.openJSON(u.ID+" reading", reading, &u.Reading)
	return u, errors.Join(errs[:]...)
}

// load gives an upload that the person sees, and on whose account that person has one of some roles.
func (s *Seat) load(ctx context.Context, q queryer, id string, any ...Role) (*Upload, error) {
	u, err := s.d.scan(q.QueryRowContext(ctx, "SELECT "+uploadColumns+" WHERE u.id = ? AND"+seen, id, s.ID))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, notFound()
	}
	if err != nil {
		return nil, err
	}
	if len(any) > 0 && !s.May(u.Account, any...) {
		return nil, &Refusal{
			Code: Forbidden, Problem: fmt.Sprintf("this is for people with the role %s of %s", roleNames(any), u.Account),
			Todo: "ask the administrator of the account, or somebody who has it",
		}
	}
	return u, nil
}

func roleNames(all []Role) string {
	var names []string
	for _, r := range all {
		names = append(names, string(r))
	}
	return strings.Join(names, " or ")
}

// Upload gives an upload.
func (s *Seat) Upload(ctx context.Context, id string) (*Upload, error) {
	return s.load(ctx, s.d.db, id)
}

// Filter says which uploads are listed; what is empty filters nothing.
type Filter struct {
	State    State
	By       string // part of the name of who brought it
	Words    string // part of the name of the file, or of the label
	From, To time.Time
	After    int // how many are passed over
}

// ListPage is how many uploads a list has at most.
const ListPage = 50

// Uploads lists what the person sees, the newest first, and whether there are more.
func (s *Seat) Uploads(ctx context.Context, f Filter) (all []*Upload, more bool, err error) {
	rows, err := s.d.db.QueryContext(ctx, "SELECT "+uploadColumns+" WHERE"+seen+`AND (? = '' OR u.state = ?) AND u.made >= ? AND u.made < ?
		AND {position}(lower(p.name), lower(?)) > 0 ORDER BY u.made DESC, u.id`,
		s.ID, f.State, f.State, stamp(f.From), cmp.Or(stamp(f.To), 1<<62), f.By)
	if err != nil {
		return nil, false, err
	}
	defer rows.Close()
	for rows.Next() {
		u, err := s.d.scan(rows)
		if r := (*Refusal)(nil); errors.As(err, &r) { // of an account that is not there any more
			continue
		}
		if err != nil {
			return nil, false, err
		}
		words := strings.ToLower(f.Words)
		if !strings.Contains(strings.ToLower(u.Name), words) && !strings.Contains(strings.ToLower(u.Reading.Label), words) {
			continue
		}
		if f.After > 0 {
			f.After--
			continue
		}
		if len(all) == ListPage {
			return all, true, nil
		}
		all = append(all, u)
	}
	return all, false, rows.Err()
}

// step moves an upload on by an action, in a transaction that has loaded it.
func (t *txn) step(u *Upload, a Action) error {
	to, err := u.State.after(a)
	if err != nil {
		return err
	}
	u.State = to
	return t.exec("UPDATE upload SET state = ?, changed = ? WHERE id = ?", to, stamp(t.now), u.ID)
}

// handled takes down that a person has had a hand in an upload, and voids what others had approved.
func (s *Seat) handled(t *txn, u *Upload) error {
	if err := t.step(u, Change); err != nil {
		return err
	}
	u.Edits++
	return errors.Join(
		t.exec("INSERT INTO hand (upload, person) VALUES (?, ?) ON CONFLICT DO NOTHING", u.ID, s.ID),
		t.exec("DELETE FROM approval WHERE upload = ?", u.ID),
		t.exec("UPDATE upload SET edits = ?, digest = NULL, reason = NULL WHERE id = ?", u.Edits, u.ID),
	)
}

// did adds to the audit trail what the person did to an upload.
func (s *Seat) did(t *txn, u *Upload, action, place, digest string) error {
	return t.audit(Event{Person: s.ID, Account: u.Account, Action: action, Upload: u.ID, Place: place, Digest: digest})
}

// change loads an upload for somebody with a role, does something to it, and takes that down.
func (s *Seat) change(ctx context.Context, id string, do func(*txn, *Upload) error, any ...Role) (u *Upload, err error) {
	err = s.d.tx(ctx, func(t *txn) error {
		if u, err = s.load(ctx, t, id, any...); err != nil {
			return err
		}
		return do(t, u)
	})
	return u, err
}

// hands gives the ids of all who have had a hand in an upload.
func (s *Seat) hands(ctx context.Context, q queryer, id string) ([]string, error) {
	return column[string](ctx, q, "SELECT person FROM hand WHERE upload = ?", id)
}

// MayApprove reports whether the person may approve an upload that waits, and why not.
func (s *Seat) MayApprove(ctx context.Context, u *Upload) (bool, string, error) {
	hands, err := s.hands(ctx, s.d.db, u.ID)
	switch {
	case err != nil:
		return false, "", err
	case !s.May(u.Account, Approver):
		return false, "only approvers of the account may approve this", nil
	case u.Approvers > 0 && slices.Contains(hands, s.ID):
		return false, "who uploaded or changed it does not approve it: another person has to", nil
	}
	return true, "", nil
}
