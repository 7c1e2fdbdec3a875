package contact

import "testing"

func TestTypingErrors(t *testing.T) {
	for _, tc := range []struct{ domain, meant string }{
		{"gmial.com", "gmail.com"},
		{"gamil.com", "gmail.com"},
		{"gmail.con", "gmail.com"},
		{"gmail.co", "gmail.com"},
		{"gmail.cmo", "gmail.com"},
		{"gmal.com", "gmail.com"},
		{"gnail.com", "gmail.com"},
		{"hotmial.com", "hotmail.com"},
		{"hotmal.se", "hotmail.se"},
		{"yaho.com", "yahoo.com"},
		{"outlok.com", "outlook.com"},
		{"iclould.com", "icloud.com"},
		{"live.con", "one that ends in .com"},
		{"gmail.com", ""},
		{"mail.com", ""},
		{"email.com", ""},
		{"gmx.com", ""},
		{"ymail.com", ""},
		{"live.com", ""},
		{"me.com", ""},
		{"cloud.com", ""},
		{"hotmail.se", ""},
		{"hotmail.fi", ""},
		{"hotmail.co.uk", ""},
		{"yahoo.co.uk", ""},
		{"yahoo.ca", ""},
		{"yahoo.de", ""},
		{"outlook.dk", ""},
		{"proton.me", ""},
		{"telia.se", ""},
		{"example.com", ""},
	} {
		t.Run(tc.domain, func(t *testing.T) {
			if got := mistyped(tc.domain); got != tc.meant {
				t.Errorf("got %q, want %q", got, tc.meant)
			}
		})
	}
}
