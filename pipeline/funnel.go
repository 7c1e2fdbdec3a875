package pipeline

import (
	"cmp"
	"slices"
	"time"
)

// Stages count how the sessions of sent links came out. Sent is the sum of Completed, Cancelled, Expired, UnderWay,
// Waiting and Unseen. A session whose link was sent in two rounds counts in both.
type Stages struct {
	Sent      int `json:"sent"`      // accepted by HPP, or perhaps
	Uncertain int `json:"uncertain"` // of these, that may not have been
	Opened    int `json:"opened"`    // seen beyond WAITING at some time, however it ended
	Completed int `json:"completed"` // paid
	Cancelled int `json:"cancelled"` // or disabled
	Expired   int `json:"expired"`   // over, without any of these
	UnderWay  int `json:"under_way"` // opened, and not ended yet
	Waiting   int `json:"waiting"`   // not opened yet
	Unseen    int `json:"unseen"`    // that could not be seen yet, or are in a state that is not known
}

// Open is how many have not ended yet, as far as is known.
func (s Stages) Open() int { return s.UnderWay + s.Waiting + s.Unseen }

// Add takes in one that was sent.
func (s *Stages) Add(uncertain bool, seen Seen) {
	s.Sent++
	if uncertain {
		s.Uncertain++
	}
	if !seen.Opened.IsZero() {
		s.Opened++
	}
	switch {
	case seen.Status == SessionCompleted:
		s.Completed++
	case seen.Status == SessionCancelled, seen.Status == SessionDisabled:
		s.Cancelled++
	case seen.Status == SessionGone:
		s.Expired++
	case seen.Status == SessionWaiting:
		s.Waiting++
	case !seen.Opened.IsZero():
		s.UnderWay++
	default:
		s.Unseen++
	}
}

// Aspect is by what the stages are counted apart.
type Aspect string

// The aspects.
const (
	ByMethod   Aspect = "method"
	ByCountry  Aspect = "country" // of the phone number; by e-mail there is none
	ByHour     Aspect = "hour"    // of the day, in which it was sent
	ByLabel    Aspect = "label"
	ByReminder Aspect = "reminder"
)

// Aspects lists them in the order in which people read them.
func Aspects() []Aspect { return []Aspect{ByMethod, ByCountry, ByHour, ByLabel, ByReminder} }

// Funnel is how what was sent came out, in all and by each aspect.
type Funnel struct {
	Total Stages
	By    map[Aspect]map[string]*Stages
}

// Add takes in one that was sent, with what it is by each aspect.
func (f *Funnel) Add(uncertain bool, seen Seen, of map[Aspect]string) {
	f.Total.Add(uncertain, seen)
	for a, value := range of {
		if f.By == nil {
			f.By = map[Aspect]map[string]*Stages{}
		}
		if f.By[a] == nil {
			f.By[a] = map[string]*Stages{}
		}
		if f.By[a][value] == nil {
			f.By[a][value] = new(Stages)
		}
		f.By[a][value].Add(uncertain, seen)
	}
}

// Part is one value of an aspect.
type Part struct {
	Value string
	Stages
}

// Parts gives the values of an aspect: hours in their order, all others with the most messages first.
func (f Funnel) Parts(a Aspect) (all []Part) {
	for value, s := range f.By[a] {
		all = append(all, Part{value, *s})
	}
	slices.SortFunc(all, func(x, y Part) int {
		if a == ByHour {
			return cmp.Compare(x.Value, y.Value)
		}
		return cmp.Or(cmp.Compare(y.Sent, x.Sent), cmp.Compare(x.Value, y.Value))
	})
	return all
}

// DueForLook reports whether a session is to be looked at: it has not ended, and was not looked at within a time, nor
// only before its link was sent.
func (s Seen) DueForLook(now, sent time.Time, within time.Duration) bool {
	age := now.Sub(s.Looked)
	return !s.Status.Ended() && (s.Looked.IsZero() || !s.Looked.After(sent) || age >= within || age < 0)
}
