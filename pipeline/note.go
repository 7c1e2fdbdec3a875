package pipeline

import (
	"strings"

	"hppsend/internal/contact"
)

// sentAllTheSame reports whether what was remarked on a row did not keep it from being sent, now, earlier
// or later: then the report says so beside it. A row that stays back has its reason instead.
func sentAllTheSame(j judgement) bool {
	switch j.stage {
	case stageSend, stageRefused, stageUncertain, stageInFlight:
		return true
	case stageDelivered:
		return j.outcome.Status == Delivered // else it was sent to another contact than this row's
	case stageNoSession, stageElsewhere, stageRule, stageOwnCheck, stageRepeat:
	}
	return false
}

// note joins the remarks on a row into one text.
func (it item) note() string {
	if len(it.notices) == 0 {
		return ""
	}
	remarks := make([]string, len(it.notices))
	for i, n := range it.notices {
		remarks[i] = contact.MaskIn(contact.MaskIn(n.Reason, it.Contact), it.Other)
	}
	return strings.Join(remarks, "; ")
}
