package contact

import (
	"slices"
	"unicode"

	"golang.org/x/net/idna"
)

// together are the scripts that honest names mix: Latin letters stand beside those of Japanese, Chinese and
// Korean, as the highly restrictive level of Unicode Technical Standard 39, 5.2, has it.
var together = [][]string{
	{"Latin", "Han", "Hiragana", "Katakana"}, {"Latin", "Han", "Bopomofo"}, {"Latin", "Han", "Hangul"},
}

// mixed reports whether a label of a domain, in ASCII form, mixes scripts that no name mixes. A Cyrillic letter
// among Latin ones looks like one of theirs, and makes another domain.
func mixed(label string) bool {
	shown, err := idna.ToUnicode(label)
	if err != nil || isASCII(shown) {
		return false
	}
	var scripts []string
	for _, r := range shown {
		if s := scriptOf(r); s != "Common" && s != "Inherited" && !slices.Contains(scripts, s) {
			scripts = append(scripts, s)
		}
	}
	if len(scripts) < 2 {
		return false
	}
	return !slices.ContainsFunc(together, func(set []string) bool {
		return !slices.ContainsFunc(scripts, func(s string) bool { return !slices.Contains(set, s) })
	})
}

func scriptOf(r rune) string {
	if r < 0x80 {
		if unicode.IsLetter(r) {
			return "Latin"
		}
		return "Common"
	}
	for name, table := range unicode.Scripts {
		if unicode.Is(table, r) {
			return name
		}
	}
	return "Common"
}
