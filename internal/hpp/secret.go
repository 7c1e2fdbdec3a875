package hpp

import (
	"fmt"
	"io"
	"log/slog"
)

// masked is what a secret shows of itself.
const masked = "[secret]"

// Secret is a password that does not print itself: fmt under any verb, slog and the encoders get a
// mask. Beware that fmt calls no methods on unexported fields: a struct that keeps a Secret in one
// needs a Format or String method of its own. Convert it with string(s) where it is used.
type Secret string

// String gives the mask.
func (Secret) String() string { return masked }

// GoString gives the mask.
func (Secret) GoString() string { return masked }

// Format prints the mask. Without it %d would show the secret in fmt's complaint about the verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, masked) }

// LogValue gives the mask.
func (Secret) LogValue() slog.Value { return slog.StringValue(masked) }

// MarshalText gives the mask.
func (Secret) MarshalText() ([]byte, error) { return []byte(masked), nil }

// MarshalJSON gives the mask.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + masked + `"`), nil }

// Credentials are the merchant's, as Klarna's portal shows them.
type Credentials struct {
	Username string
	Password Secret
}
