package contact_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode"

	"hppsend/internal/contact"
)

// messages are what HPP, gateways and this program say.
var messages = []string{
	"contact_information.phone is not a phone number", "The phone number is invalid", "method has to be sms, email or token",
	"contact_information.phone_country is not a supported country", "There is no such session, or it has expired", "The session is disabled",
	"BAD_VALUE", "NOT_FOUND", "SERVICE_UNAVAILABLE", "MISSING_CONTACT_DATA", "UNSUPPORTED_COUNTRY", "CONSTRAINT_VIOLATION", "INPUT_ERROR",
	"unavailable", "no_clear_answer", "denied", "throttled", "bad_session", "interrupted", "http_403",
	"session f0000000-0000-4000-8000-000000000001 has expired at 2026-05-04T03:02:01.605Z",
	"correlation_id 467017a1-7406-4050-9605-f00d46701741", "The call was made and HTTP 504 is no clear answer to it",
	"the credentials were not accepted (HTTP 401): wrong user name or password, or another region's",
	"the merchant's rate limit is used up (HTTP 429)", "HPP cannot send at the moment (HTTP 503)",
	"not sent: the name of 127.0.0.1:8080 could not be resolved (DNS)", "the call was made and no clear answer came: nothing came in time",
	"the call was made and no clear answer came: 127.0.0.1:8080 closed the connection",
	"refused with HTTP 403, but not as HPP refuses a row: a firewall or a proxy, or an endpoint that is not HPP's",
	"Unsupported value for field distribution_method, expected one of: email, sms", "This account is not allowed to use the service",
	"the run was cut off while a call for this session was under way; it may have been sent",
}

// TestMessagesStayReadable makes an address of each word of each message, and masks it in all of them.
func TestMessagesStayReadable(t *testing.T) {
	contacts := map[string]bool{"+46701740605": true, "+12125550123": true, "+358400000000": true, "anna.berg@example.com": true}
	for _, m := range messages {
		for _, w := range strings.FieldsFunc(m, func(r rune) bool { return !unicode.IsLetter(r) }) {
			contacts[strings.ToLower(w)+"@example.com"] = true
		}
	}
	for c := range contacts {
		for _, m := range messages {
			if got := contact.MaskIn(m, c); got != m {
				t.Errorf("of %s: %q became %q", c, m, got)
			}
		}
	}
}

// TestMaskInLeavesNoNormalisedAddress writes addresses as servers and people do, and looks for their pieces.
func TestMaskInLeavesNoNormalisedAddress(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	syllables := []string{"qua", "zor", "vik", "lum", "dre", "xan", "yel", "bjo"}
	name := func() (s string) {
		for range 1 + r.IntN(3) {
			s += syllables[r.IntN(len(syllables))]
		}
		return s
	}
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	for range 8_000 {
		first, last, tag, house := name(), name(), name(), name()
		address := first + pick(".", "_", "-") + last + "+" + tag + "@" + house + ".example"
		local := pick(first+last, first+"."+last, first+"-"+last, first+" "+last, last, first, first+"."+last+"+"+tag, strings.Join(strings.Split(first+last, ""), "."))
		sign := pick("@", " @ ", "(at)", " [at] ", " at ", "{AT}", "＠", "&#64;", "&commat;", "%40", "=40", `\x40`, `\u0040`)
		domain := pick(house+".example", house+"[dot]example", house+" dot example", house+"(.)example", house+"%2Eexample")
		text := escaped(r, "value <"+pick(strings.ToUpper(local), local)+sign+domain+"> is not valid")
		got := strings.ToLower(strings.ReplaceAll(contact.MaskIn(text, address), contact.Mask(address), ""))
		for _, form := range unescaped(got) {
			for _, piece := range []string{first, last, house} {
				if strings.Contains(form, piece) {
					t.Fatalf("%s of %s still shows in %q, which was %q", piece, address, got, text)
				}
			}
		}
	}
}

func TestSecrets(t *testing.T) {
	const password, mask = "klarna_live_api_pA/s+w0=rd&\"<é", "[secret]"
	s := contact.NewSecrets(mask, password, "tiny5", "abc")
	for text, want := range map[string]string{
		"":                            "",
		"no secret":                   "no secret",
		"it is " + password + ".":     "it is " + mask + ".",
		strings.ToUpper(password):     mask,
		"a key klarna_live_api_":      "a key klarna_live_api_",
		"klarna_live_api_pA/s+…":      "klarna_live_api_pA/s+…",
		"klarna_live_api_pA/s+w0=rd&": mask,
		"a tiny5 one":                 "a " + mask + " one",
		"destiny55":                   "destiny55",
		"abc":                         "abc",
		"dGlueTU=":                    mask + "U=",
	} {
		if got := s.Mask(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
	r := rand.New(rand.NewPCG(7, 8))
	for range 3_000 {
		n := r.IntN(9)
		text := escaped(r, "auth "+inBytes(r, strings.Repeat("j", n)+password+strings.Repeat("k", r.IntN(9)))+" end")
		if got := s.Mask(text); !strings.Contains(got, mask) {
			t.Fatalf("nothing is masked in %q", text)
		} else if again := s.Mask(got); again != got {
			t.Fatalf("%q is masked again", got)
		}
	}
}

func FuzzSecrets(f *testing.F) {
	f.Add("the password DemoPassword%20 ", "DemoPassword")
	f.Add("RGVtb1Bhc3N3b3Jk", "DemoPassword")
	f.Fuzz(func(t *testing.T, text, secret string) {
		got := contact.NewSecrets("•", secret).Mask(text)
		if len(secret) >= 8 && strings.Trim(secret, "abcdefghijklmnopqrstuvwxyz0123456789") == "" && strings.Contains(got, secret) {
			t.Fatalf("the secret still shows in %q", got)
		}
	})
}

// inBytes gives a text in an encoding of bytes.
func inBytes(r *rand.Rand, s string) string {
	switch r.IntN(6) {
	case 0:
		return base64Of(r, s)
	case 1:
		return fmt.Sprintf("%x", s)
	case 2:
		return fmt.Sprintf("%X", s)
	case 3: // as mail breaks it
		b := base64Of(r, s)
		return b[:len(b)/2] + "\r\n " + b[len(b)/2:]
	}
	return s
}

// BenchmarkMaskIn: what each accepted row costs, for its correlation id and two contacts.
func BenchmarkMaskIn(b *testing.B) {
	s := contact.NewSecrets("[secret]", "klarna_live_api_pAbbsow0Drdt", "SzEyMzQ1NjpwQWJic293MERyZHRrbGFybmFfbGl2ZV9hcGlf")
	for b.Loop() {
		id := s.Mask("6d3e0f0a-3b34-4f5e-9b62-0d3c2f6f8a11")
		contact.MaskIn(contact.MaskIn(id, "+46701740605"), "anna.berg@example.com")
	}
}
