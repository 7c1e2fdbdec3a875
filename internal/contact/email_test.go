package contact_test

import (
	"errors"
	"strings"
	"testing"

	"hppsend/internal/contact"
)

func TestParseEmail(t *testing.T) {
	for _, tc := range []struct{ why, text, want string }{
		{"plain", "anna@example.com", "anna@example.com"},
		{"the local part keeps its case, the domain does not", "Anna.Berg@Example.COM", "Anna.Berg@example.com"},
		{"every character of an atom", "a!#$%&'*+-/=?^_`{|}~9@example.org", "a!#$%&'*+-/=?^_`{|}~9@example.org"},
		{"a tag", "anna+shop@example.com", "anna+shop@example.com"},
		{"spaces around", " \t\u00a0anna@example.com\u3000\r\n", "anna@example.com"},
		{"invisible characters within", "\ufeffan\u200bna@exam\u00adple.com\u200e", "anna@example.com"},
		{"a mail link", "mailto:anna@example.com", "anna@example.com"},
		{"a mail link in capitals, escaped", "MAILTO:anna%2Bshop@example.com", "anna+shop@example.com"},
		{"a spreadsheet's apostrophe", "'anna@example.com", "anna@example.com"},
		{"typed quotes", `"anna@example.com"`, "anna@example.com"},
		{"curly quotes", "“anna@example.com”", "anna@example.com"},
		{"German quotes and a space", "„ anna@example.com“", "anna@example.com"},
		{"French quotes", "« anna@example.com »", "anna@example.com"},
		{"a formula that keeps text", `="anna@example.com"`, "anna@example.com"},
		{"quotes round a link", `"mailto:anna@example.com"`, "anna@example.com"},
		{"an apostrophe of the name", "o'hara@example.com", "o'hara@example.com"},
		{"an international domain", "anna@Bücher.example", "anna@xn--bcher-kva.example"},
		{"the same in ASCII", "anna@XN--BCHER-KVA.example", "anna@xn--bcher-kva.example"},
		{"sharp s is a letter of its own", "anna@faß.example", "anna@xn--fa-hia.example"},
		{"an accent apart from its letter", "anna@Bu\u0308cher.example", "anna@xn--bcher-kva.example"},
		{"the longest local part", strings.Repeat("a", 64) + "@example.com", strings.Repeat("a", 64) + "@example.com"},
	} {
		t.Run(tc.why, func(t *testing.T) {
			got, err := contact.ParseEmail(tc.text)
			if err != nil || got.Text != tc.want {
				t.Errorf("got %q, %v; want %q", got.Text, err, tc.want)
			}
			if got.Notice != "" {
				t.Errorf("false alarm: %s", got.Notice)
			}
		})
	}
}

func TestParseEmailRefuses(t *testing.T) {
	long := strings.Repeat("abcdefghi.", 25)
	for _, tc := range []struct{ why, text, code, says string }{
		{"empty", "", "missing_contact", "missing"},
		{"only what does not show", "\u00a0\u200b", "missing_contact", "missing"},
		{"no @", "anna.example.com", "bad_email", "no @"},
		{"two @", "anna@@example.com", "bad_email", "more than one @"},
		{"two by semicolon", "anna@example.com; bo@example.com", "bad_email", "more than one e-mail"},
		{"two by comma", "anna@example.com,bo@example.com", "bad_email", "more than one e-mail"},
		{"two by space", "anna@example.com bo@example.com", "bad_email", "more than one e-mail"},
		{"two by line break", "anna@example.com\nbo@example.com", "bad_email", "more than one e-mail"},
		{"a name", "Anna Berg <anna@example.com>", "bad_email", "without a name"},
		{"brackets", "<anna@example.com>", "bad_email", "brackets"},
		{"a comment", "anna(home)@example.com", "bad_email", "brackets"},
		{"quoted", `"anna"@example.com`, "bad_email", "quotation marks"},
		{"a space within", "anna berg@example.com", "bad_email", "space"},
		{"a no-break space within", "anna\u00a0berg@example.com", "bad_email", "space"},
		{"nothing before", "@example.com", "bad_email", "nothing before"},
		{"nothing after", "anna@", "bad_email", "nothing after"},
		{"a dot first", ".anna@example.com", "bad_email", "dot too many before"},
		{"a dot last", "anna.@example.com", "bad_email", "dot too many before"},
		{"two dots", "anna..berg@example.com", "bad_email", "dot too many before"},
		{"letters beyond ASCII", "åsa@example.com", "bad_email", "beyond a-z"},
		{"a character of no atom", "anna:b@example.com", "bad_email", "character before"},
		{"a long local part", strings.Repeat("a", 65) + "@example.com", "bad_email", "64"},
		{"a long address", "anna@" + long + "example", "bad_email", "254"},
		{"a cell full of text", strings.Repeat("a", 500) + "@" + strings.Repeat("example.", 100), "bad_email", "too long"},
		{"a long label", "anna@" + strings.Repeat("a", 64) + ".com", "bad_email", "character"},
		{"no dot", "anna@localhost", "bad_email", "no dot"},
		{"a dot at the end", "anna@example.com.", "bad_email", "dot too many"},
		{"a dot at the start", "anna@.example.com", "bad_email", "dot too many"},
		{"two dots in the domain", "anna@example..com", "bad_email", "dot too many"},
		{"a network address", "anna@192.0.2.1", "bad_email", "ending"},
		{"a network address in brackets", "anna@[192.0.2.1]", "bad_email", "network address"},
		{"a short ending", "anna@example.c", "bad_email", "ending"},
		{"an underscore", "anna@exa_mple.com", "bad_email", "domain"},
		{"a hyphen first", "anna@-example.com", "bad_email", "domain"},
		{"broken punycode", "anna@xn--a.com", "bad_email", "domain"},
		{"a link with a subject", "mailto:anna@example.com?subject=x", "bad_email", "link"},
		{"broken UTF-8", "anna@exa\xffmple.com", "bad_email", "domain"},
	} {
		t.Run(tc.why, func(t *testing.T) {
			got, err := contact.ParseEmail(tc.text)
			var p *contact.Problem
			if !errors.As(err, &p) {
				t.Fatalf("got %q, %v; want a problem", got.Text, err)
			}
			if p.Code != tc.code || !strings.Contains(p.Reason, tc.says) {
				t.Errorf("got %s: %s; want %s: …%s…", p.Code, p.Reason, tc.code, tc.says)
			}
			if strings.Contains(p.Reason, "anna") || strings.Contains(p.Reason, "example") {
				t.Errorf("the reason shows the address: %s", p.Reason)
			}
		})
	}
}

func TestTypingErrorIsNoticed(t *testing.T) {
	got, err := contact.ParseEmail("anna@example.con")
	if err != nil || got.Text != "anna@example.con" {
		t.Fatalf("got %q, %v", got.Text, err)
	}
	if !strings.HasSuffix(got.Notice, "typing error for one that ends in .com") {
		t.Errorf("got notice %q", got.Notice)
	}
}

func FuzzParseEmail(f *testing.F) {
	for _, s := range []string{
		"anna@example.com", "MAILTO:a%40b@example.com", "''a@Bücher.example'", "a@b@c", "a@\u200c.example", "@", "\xff@\xff.xx",
		"a@xn--.com", "a@。com", "a@ｅxample.com", "mailto:mailto:a@b.cd", "mailto:'a@b.cd",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := contact.ParseEmail(text)
		if err != nil {
			var p *contact.Problem
			if !errors.As(err, &p) || p.Code == "" || p.Reason == "" {
				t.Fatalf("an error that is no problem: %v", err)
			}
			return
		}
		local, domain, _ := strings.Cut(got.Text, "@")
		if local == "" || domain != strings.ToLower(domain) || !strings.Contains(domain, ".") || len(got.Text) > 254 ||
			strings.ContainsFunc(got.Text, func(r rune) bool { return r <= ' ' || r > '~' }) {
			t.Fatalf("got %q", got.Text)
		}
		again, err := contact.ParseEmail(got.Text)
		if err != nil || again != got {
			t.Fatalf("%q came out as %q, %v the second time", got.Text, again.Text, err)
		}
	})
}
