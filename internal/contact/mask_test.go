package contact_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
	"unicode"

	"hppsend/internal/contact"
)

func TestMask(t *testing.T) {
	for _, tc := range []struct{ why, contact, want string }{
		{"a phone number", "+46701740605", "+46 ••• 05"},
		{"a one-digit calling code: three characters all the same", "+12125550123", "+12 ••• 23"},
		{"a local number", "070-174 06 05", "070 ••• 05"},
		{"too short to show any of it", "+46123", "•••"},
		{"no digits", "call me", "•••"},
		{"nothing", "", ""},
		{"an address", "anna@example.com", "a•••@e•••.com"},
		{"a domain of many labels", "anna@mail.example.co.uk", "a•••@m•••.uk"},
		{"a domain without dot", "anna@localhost", "a•••@l•••"},
		{"a letter of several bytes", "åsa@example.com", "å•••@e•••.com"},
		{"half an address", "@", "•••@•••"},
		{"characters that do not show", "\u202eanna@\x00.com", "•••@•••.com"},
	} {
		t.Run(tc.why, func(t *testing.T) {
			if got := contact.Mask(tc.contact); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestMaskIn(t *testing.T) {
	const phone, email, wide = "+46701740605", "Anna.Berg@example.com", "anna@xn--bcher-kva.example"
	p, e, w := contact.Mask(phone), contact.Mask(email), contact.Mask(wide)
	a, b := contact.Mask("anna@example.com"), contact.Mask("bo@example.com")
	for _, tc := range []struct{ why, contact, text, want string }{
		{"no contact", "", "all is well", "all is well"},
		{"no text", phone, "", ""},
		{"nothing to hide", phone, "invalid phone_country", "invalid phone_country"},
		{"E.164", phone, "bad: +46701740605.", "bad: " + p + "."},
		{"without plus", phone, `"46701740605"`, `"` + p + `"`},
		{"with 00", phone, "0046701740605", p},
		{"with its trunk zero", phone, "no 0701740605 here", "no " + p + " here"},
		{"without its trunk zero", phone, "no 701740605 here", "no " + p + " here"},
		{"spaces", phone, "+46 70 174 06 05", p},
		{"no-break spaces", phone, "070\u00a0174\u00a006\u00a005", p},
		{"zero-width spaces", phone, "070\u200b174\u200b0605", p},
		{"dashes", phone, "070-174-06-05", p},
		{"dots", phone, "46.70.174.06.05", p},
		{"brackets", phone, "(070) 174 06 05", p},
		{"the trunk zero in brackets", phone, "+46 (0)70-174 06 05", p},
		{"brackets around the calling code", phone, "(+46) 70 1740605", p},
		{"brackets that are the sentence's", phone, "(0701740605)", "(" + p + ")"},
		{"twice", phone, "0701740605, +46701740605", p + ", " + p},
		{"a plus escaped for a URL", phone, "?phone=%2B46701740605&x=1", "?phone=" + p + "&x=1"},
		{"spaces escaped for a URL", phone, "070%20174%2006%2005", p},
		{"spaces of a query string", phone, "q=070+174+06+05", "q=" + p},
		{"every character escaped", phone, "%2B%34%36%37%30%31%37%34%30%36%30%35", p},
		{"escaped twice", phone, "%252B46701740605", p},
		{"JSON", phone, `{"phone":"\u002b46701740605"}`, `{"phone":"` + p + `"}`},
		{"JSON within JSON", phone, `"{\"phone\":\"\\u002B4670174\\u0030605\"}"`, `"{\"phone\":\"` + p + `\"}"`},
		{"HTML", phone, "<b>&#43;46&nbsp;701740605</b>", "<b>" + p + "</b>"},
		{"full-width", phone, "＋４６７０１７４０６０５", p},
		{"cut off at the end", phone, "+4670174…", p + "…"},
		{"cut off at the start", phone, "…1740605", "…" + p},
		{"what only looks like an escape", phone, "100%701740605", "10" + p},
		{"within more digits", phone, "id99467017406051", "id99" + p + "1"},
		{"a number that begins the same", phone, "+46701740699", p + "99"},
		{"the last five digits", phone, "no 40605 here", "no " + p + " here"},
		{"the last four", phone, "no 0605 here", "no " + p + " here"},
		{"the last four, masked by others", phone, "***-***-0605", "***-***-" + p},
		{"the last four after crosses", phone, "xxxxx0605", "xxxxx" + p},
		{"the last three, said to be", phone, "the number ending in 605 is", "the number ending in " + p + " is"},
		{"the last four, apart", phone, "its last digits 06 05 are", "its last digits " + p + " are"},
		{"the last three, masked by others", phone, "number …605", "number …" + p},
		{"three digits of anything", phone, "HTTP 605", "HTTP 605"},
		{"the last two, which the mask shows too", phone, "ending in 05", "ending in 05"},
		{"four others", phone, "in 0604 ms", "in 0604 ms"},
		{"the last four of a longer number", phone, "10605 of 06051", "10605 of 06051"},
		{"a day that ends the same", "+46701742026", "2026-05-04, 04.05.2026, at 20:26", "2026-05-04, 04.05.2026, at 20:26"},
		{"an amount that ends the same", phone, "SEK 1,0605.0605", "SEK 1,0605.0605"},
		{"in mail", phone, "=2B46 701=20740605", p},
		{"in JavaScript", phone, `\x2b46701740605`, p},
		{"HTML without semicolons", phone, "&#43;46701740&#x36;&#x30;5 and &#43&#x34;67017406&#48&#53", p + " and " + p},
		{"base64", phone, "KzQ2NzAxNzQwNjA1", ""},
		{"base64 within base64 of more", phone, base64.StdEncoding.EncodeToString([]byte(`{"phone":"0701740605"}`)), ""},
		{"hexadecimal", phone, "2b3436373031373430363035", ""},
		{"as a number", phone, "4.6701740605E+10", p + "E+10"},
		{"a list of digits", phone, `["7","0","1","7","4","0","6","0","5"]`, `["` + p + `"]`},
		{"a UUID with six digits of it", phone, "f0000000-4670-4174-8060-467017000001", "f0000000-4670-4174-8060-467017000001"},
		{"zeros of a UUID", "+358400000000", "f0000000-0000-4000-8000-000000000001", "f0000000-0000-4000-8000-000000000001"},
		{"a UUID made of the number", phone, "00000000-0000-0000-0004-670174060500", ""},
		{"digits of several words are not one number", phone, "46 items, 701 of 74060 left", "46 items, 701 of 74060 left"},
		{"bytes around it stay", phone, "\xff%zz\\q&x; 0701740605 \xfe", "\xff%zz\\q&x; " + p + " \xfe"},

		{"an address", email, "no Anna.Berg@example.com.", "no " + e + "."},
		{"in another case", email, "ANNA.BERG@EXAMPLE.COM", e},
		{"escaped for a URL", email, "to=anna.berg%40example.com&x", "to=" + e + "&x"},
		{"escaped twice", email, "anna%252eberg%2540example.com", e},
		{"JSON", email, `"anna\u002eberg\u0040example.com"`, `"` + e + `"`},
		{"HTML", email, "anna.berg&#64;example.com", e},
		{"invisible characters", email, "anna.\u200bberg@example.com", e},
		{"a link", email, "mailto:anna.berg@example.com", "mailto:" + e},
		{"the local part alone", email, "user anna.berg unknown", "user " + e + " unknown"},
		{"the local part elsewhere", email, "anna.berg@example.net", e},
		{"cut off", email, "user anna.be", "user " + e},
		{"cut off with an ellipsis", email, "anna.berg@exam… or anna.b... or anna.b***", e + "… or " + e + "... or " + e + "***"},
		{"a tag stripped", "anna+x@example.com", "no anna@example.com", "no " + contact.Mask("anna+x@example.com")},
		{"a tag stripped, alone", "anna+news@example.com", "no anna here", "no " + contact.Mask("anna+news@example.com") + " here"},
		{"a tag added", email, "anna.berg+x@example.com", e + "+x@e•••.com"},
		{"dots dropped", email, "annaberg@example.com and annaberg", e + " and " + e},
		{"dots put in", "anna@example.com", "a.n.n.a@example.com", a},
		{"another separator", email, "anna-berg@example.com, anna_berg", e + ", " + e},
		{"the name of it", email, "Anna Berg", e},
		{"a piece of it", email, "dear Berg, Anna", "dear " + e + ", " + e},
		{"spaces round the sign", "bo@example.com", "bo @ example.com", b},
		{"the sign in brackets", "bo@example.com", "bo(at)example.com bo [AT] example [dot] com bo{at}example{dot}com", b + " " + b + " " + b},
		{"the sign as a word", "bo@example.com", "bo at example dot com", b},
		{"full-width", "bo@example.com", "ｂｏ＠ｅｘａｍｐｌｅ．ｃｏｍ", b},
		{"HTML's name for the sign", "bo@example.com", "bo&commat;example&period;com", b},
		{"in mail", "bo@example.com", "bo=40example.com bo=example.com", b + " " + b},
		{"no sign", "bo@example.com", "bo example.com", b},
		{"a short local part alone", "bo@example.com", "user bo unknown", "user " + b + " unknown"},
		{"in other words", "bo@example.com", "a body, a box and robo", "a body, a box and robo"},
		{"of one letter", "x@example.com", "field x of x@example.com", "field x of " + contact.Mask("x@example.com")},
		{"without accents", "åsa@example.com", "asa@example.com A\u030asa", contact.Mask("åsa@example.com") + " " + contact.Mask("åsa@example.com")},
		{"another domain of the provider", "anna@gmail.com", "anna@googlemail.com", contact.Mask("anna@gmail.com")},
		{"the domain alone", email, "the domain Example.com is not known", "the domain e•••.com is not known"},
		{"the domain's name alone", "anna@bergsbo.example", "no host bergsbo", "no host b•••"},
		{"the domain of somebody else", email, "support@example.com", "support@e•••.com"},
		{"base64", email, base64.URLEncoding.EncodeToString([]byte("to Anna.Berg@example.com now")), ""},
		{"base64, in lower case", email, base64.RawStdEncoding.EncodeToString([]byte("anna.berg@example.com")), ""},
		{"hexadecimal", email, "416e6e612E42657267406578616d706c652e636f6d", e},
		{"a UUID with a word of it", "cafe@example.com", "0b1bd7a1-cafe-4f5e-9b62-0d3c2f6f8a11", "0b1bd7a1-cafe-4f5e-9b62-0d3c2f6f8a11"},
		{"the local part within a word is another word", "mail@example.com", "the mailbox", "the mailbox"},
		{"a local part that is an ordinary word", "phone@example.com", "the phone number is invalid", "the phone number is invalid"},
		{"which is no reason to show the address", "phone@example.com", "<phone@example.com>", "<" + contact.Mask("phone@example.com") + ">"},
		{"a plus that a query string made a space of", "anna+x@example.com", "anna x@example.com", contact.Mask("anna+x@example.com")},
		{"a percent sign of its own", "a%41b@example.com", "no a%41b@example.com", "no " + contact.Mask("a%41b@example.com")},
		{"the domain in ASCII", wide, "anna@xn--bcher-kva.example", w},
		{"the domain in Unicode", wide, "ANNA@BÜCHER.example", w},
		{"the domain in Unicode, escaped", wide, `anna%40b%C3%BCcher.example anna@b\u00fccher.example`, w + " " + w},
		{"the domain with its accent apart", wide, "anna@bu\u0308cher.example", w},
		{"a domain given in Unicode", "anna@bücher.example", "anna@xn--bcher-kva.example", contact.Mask("anna@bücher.example")},
	} {
		t.Run(tc.why, func(t *testing.T) {
			got := contact.MaskIn(tc.text, tc.contact)
			switch {
			case tc.want == "" && tc.text != "": // some of what is round it goes too
				if !strings.Contains(got, contact.Mask(tc.contact)) || strings.Contains(got, tc.text) {
					t.Errorf("got  %q", got)
				}
			case got != tc.want:
				t.Errorf("got  %q\nwant %q", got, tc.want)
			}
			if again := contact.MaskIn(got, tc.contact); again != got {
				t.Errorf("masked again it is %q", again)
			}
		})
	}
}

// digitRun gives six digits of the number that stand in the text in a row, if there are any.
func digitRun(text, number string) string {
	digits := strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9':
			return r
		case unicode.IsLetter(r):
			return ' ' // as in \u0020
		}
		return -1
	}, text)
	for i := 0; i+6 <= len(number); i++ {
		if strings.Contains(digits, number[i:i+6]) {
			return number[i : i+6]
		}
	}
	return ""
}

// written gives a number as somebody might write it.
func written(r *rand.Rand, number string, code int) string {
	separators := []string{"", "", "", " ", "-", ".", "/", "\u00a0", " - ", "\u200b", ") ", " ("}
	prefix := []string{"+" + number[:code], number[:code], "00" + number[:code], "0", "", "+" + number[:code] + " (0)", "(0)"}
	var b strings.Builder
	b.WriteString(prefix[r.IntN(len(prefix))])
	for _, d := range number[code:] {
		b.WriteString(separators[r.IntN(len(separators))])
		b.WriteRune(d)
	}
	return b.String()
}

// escaped gives a text as a server might return it.
func escaped(r *rand.Rand, s string) string {
	for range r.IntN(3) {
		switch r.IntN(8) {
		case 0:
			s = url.QueryEscape(s)
		case 1:
			s = url.PathEscape(s)
		case 2:
			b, _ := json.Marshal(map[string]string{"message": s})
			s = string(b)
		case 3:
			var b strings.Builder
			for _, c := range s {
				fmt.Fprintf(&b, `\u%04x`, c)
			}
			s = b.String()
		case 4:
			var b strings.Builder
			for i := range len(s) {
				fmt.Fprintf(&b, "%%%02X", s[i])
			}
			s = b.String()
		case 5:
			s = html.EscapeString(s)
		case 6:
			var b strings.Builder
			for i := range len(s) {
				fmt.Fprintf(&b, `\x%02x`, s[i])
			}
			s = b.String()
		case 7:
			var b strings.Builder
			for _, c := range s {
				fmt.Fprintf(&b, "&#%d;", c)
			}
			s = b.String()
		}
	}
	return s
}

func base64Of(r *rand.Rand, s string) string {
	return []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding}[r.IntN(4)].EncodeToString([]byte(s))
}

// unescaped undoes the escapes of one kind, as somebody who looks for the contact might.
func unescaped(s string) []string {
	forms := []string{s, html.UnescapeString(s)}
	if u, err := url.QueryUnescape(s); err == nil {
		forms = append(forms, u)
	}
	return forms
}

func TestMaskInLeavesNoDigits(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range contact.Times(5_000) {
		n := 9 + r.IntN(6)
		number := fmt.Sprint(1 + r.IntN(9))
		for len(number) < n {
			number += fmt.Sprint(r.IntN(10))
		}
		text := escaped(r, "phone "+written(r, number, 1+r.IntN(3))+" is not valid")
		got := contact.MaskIn(text, "+"+number)
		// What the mask itself shows may join what is beside it, so it is taken out.
		for _, form := range unescaped(strings.ReplaceAll(got, contact.Mask("+"+number), "x")) {
			if run := digitRun(form, number); run != "" {
				t.Fatalf("%s still shows in %q, which was %q", run, got, text)
			}
		}
	}
}

func TestMaskInLeavesNoAddress(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	const atext = "abcdefghijklmnopqrstuvwxyz0123456789.+-_"
	for range contact.Times(5_000) {
		local := "q"
		for n := r.IntN(12); len(local) < n; {
			local += string(atext[r.IntN(len(atext))])
		}
		address := local + "z@shop.example.com"
		shown := address
		if r.IntN(2) == 0 {
			shown = strings.ToUpper(address)
		}
		text := escaped(r, "e-mail <"+shown+"> is not valid")
		got := contact.MaskIn(text, address)
		for _, form := range append(unescaped(got), strings.ToLower(got)) {
			if form = strings.ToLower(form); strings.Contains(form, address) || strings.Contains(form, "shop.example") {
				t.Fatalf("the address still shows in %q, which was %q", got, text)
			}
		}
	}
}

func FuzzMaskIn(f *testing.F) {
	f.Add("phone +46 (0)70-174 06 05 is not valid", "+46701740605")
	f.Add(`{"m":"\u002b46%37%30\\u0031740605"}`, "+46701740605")
	f.Add("a%2540b&#64;%C3\\ud83d\\ude00", "a@b.example")
	f.Add("%\\&\\u&;%2", "@")
	f.Fuzz(func(t *testing.T, text, c string) {
		got := contact.MaskIn(text, c)
		if plain := strings.TrimPrefix(c, "+"); len(plain) >= 7 && strings.Trim(plain, "0123456789") == "" && strings.Contains(got, plain) {
			t.Fatalf("the contact still shows in %q", got)
		}
	})
}
