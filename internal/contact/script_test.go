package contact_test

import (
	"errors"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/net/idna"

	"hppsend/internal/contact"
)

// TestDomainsThatMixScripts puts every letter of other alphabets that a domain may have among Latin ones, in
// every place, and as punycode.
func TestDomainsThatMixScripts(t *testing.T) {
	tried := 0
	for _, table := range []*unicode.RangeTable{unicode.Cyrillic, unicode.Greek, unicode.Armenian, unicode.Cherokee, unicode.Georgian, unicode.Coptic, unicode.Lisu} {
		for r := rune(0x80); r < 0x30000; r++ {
			if !unicode.Is(table, r) || !unicode.IsLetter(r) {
				continue
			}
			for at := range len("example") {
				label := "example"[:at] + string(r) + "example"[at+1:]
				forms := []string{label}
				if ascii, err := idna.Lookup.ToASCII(label); err == nil {
					forms = append(forms, ascii)
				}
				for _, form := range forms {
					if strings.Trim(form, "abcdefghijklmnopqrstuvwxyz") == "" {
						continue // the letter is another way to write a Latin one, and becomes it
					}
					got, err := contact.ParseEmail("anna@" + form + ".com")
					var p *contact.Problem
					if tried++; !errors.As(err, &p) || p.Code != "bad_email" {
						t.Errorf("%U in %s: %v, %v", r, form, got, err)
					}
				}
			}
		}
	}
	if tried < 3000 {
		t.Errorf("only %d were tried", tried)
	}
}

func TestHonestDomains(t *testing.T) {
	for _, domain := range []string{
		"müller.example", "straße.example", "ærø.example", "šťastný.example", "ngân-hàng.example", "日本語テスト.example", "ひらがなカタカナ.example",
		"日本abc.example", "ラーメン.example", "한국어abc.example", "韓國한국.example", "ㄅㄆ中文.example", "пример.рф", "правда.com", "ελλάδα.gr", "1пример.рф", "пример-2.com",
		"ישראל.example", "مثال.example", "भारत.example", "ไทย.example", "xn--mller-kva.example", "xn--e1afmkfd.xn--p1ai",
		"shop.пример.рф", // each label is of one script
	} {
		if _, err := contact.ParseEmail("anna@" + domain); err != nil {
			t.Errorf("%s: %v", domain, err)
		}
	}
}
