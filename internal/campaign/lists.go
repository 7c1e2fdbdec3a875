package campaign

import (
	"context"

	"hppsend/pipeline"
	"hppsend/reader"
)

// Lists are the suppression lists of a campaign: files with contacts that must not be messaged.
type Lists struct {
	Paths       []string
	Unreadable  int    // lines that cannot be read, and are known not to matter
	Country     string // of phone numbers in them without a calling code; empty for none
	WithoutPlus bool   // phone numbers in them may have lost their plus
	// Kept are lists that were read before, and hold beside those that lie under Paths; nil for none.
	Kept *pipeline.Suppression
}

// suppress reads the lists, says what was read, and keeps it for the check.
func (c *campaign) suppress(ctx context.Context) error {
	l := c.Suppress
	c.suppressed = l.Kept
	switch {
	case len(l.Paths) > 0:
	case l.Unreadable > 0:
		return usage("--suppress-unreadable is said, and there is no list", "name the list with --suppress, or leave it out")
	default:
		return nil
	}
	suppressed, notices, err := reader.ReadSuppression(ctx, l.Paths, reader.ListOptions{
		Country: l.Country, WithoutPlus: l.WithoutPlus, Unreadable: l.Unreadable,
	})
	if err != nil {
		return err
	}
	if c.suppressed, err = pipeline.JoinSuppressions(suppressed, l.Kept); err != nil {
		return err
	}
	for _, text := range notices {
		say(c.Observer, "suppression", text)
	}
	return nil
}

// suppression puts the lists into the rules of a check.
func (c *campaign) suppression(cfg *pipeline.CheckConfig) {
	if c.suppressed != nil { // else the rules would have a list that is nil
		cfg.Rules.Suppressed = c.suppressed
	}
}
