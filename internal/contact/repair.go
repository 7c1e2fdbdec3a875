package contact

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// written is a phone number as a cell has it, without what only separates.
type written struct {
	digits string // all of them, also the zeros of an international prefix
	plus   bool
	zero   int // where digits has a zero that stood as "(0)" after the calling code, else 0
}

const (
	moreThanOne = "the cell has more than one number: give each its own row"
	lostDigits  = "the spreadsheet has shortened the number and its last digits are lost: format the column as text and enter it again"
	longNumber  = 250 // bytes, beyond which a cell is not looked at closely
)

var (
	decimal = regexp.MustCompile(`^\+?(\d{7,})[.,](\d+)$`)
	// A mantissa without its point is the whole number, which an exponent would only lengthen.
	exponent = regexp.MustCompile(`^\+?(\d+)(?:[.,](\d*))?[eE]([+-]?)(\d{1,3})$`)
	// shortened is what is left of 46701740605 once it was saved as 4.67E+10 and read as a number again.
	shortened = regexp.MustCompile(`^[1-9]\d{2,}0{6}$`)
	trunk     = regexp.MustCompile(`^\+?(?:00)?[1-9]\d{0,2}[-./]?[(\[]0[)\]]`)
	between   = regexp.MustCompile(`[;,/|&\n\r]|\pL+`)
)

// readCell strips a cell down to its digits. It refuses what would need a guess.
func readCell(text string) (written, *Problem) {
	if len(text) > longNumber {
		return written{}, &Problem{Code: CodeBadPhone, Reason: "the cell is too long for a phone number"}
	}
	if plain(text) {
		return written{digits: text[1:], plus: true}, nil
	}
	text = visible(text)
	switch {
	case text == "":
		return written{}, &Problem{Code: CodeMissing, Reason: "the phone number is missing"}
	case exponent.MatchString(text):
		return expand(text)
	}
	if len(text) >= 4 && strings.EqualFold(text[:4], "tel:") {
		text = text[4:]
	}
	if m := decimal.FindStringSubmatch(text); m != nil {
		switch whole := strings.Trim(m[2], "0") == ""; {
		case whole:
			text = text[:len(text)-len(m[2])-1]
		case text[0] != '+' && text[0] != '0':
			return written{}, &Problem{Code: CodeBadPhone, Reason: "the number has a fraction, which no phone number has"}
		}
	}
	if p := singleNumber(text); p != nil {
		return written{}, p
	}
	w, p := strip(text)
	// No spreadsheet puts dashes, slashes or brackets into a number that it has shortened.
	if p == nil && !w.plus && shortened.MatchString(w.digits) && !strings.ContainsAny(text, "-/()[]{}") {
		return written{}, &Problem{Code: CodeDigitsLost, Reason: lostDigits}
	}
	return w, p
}

// visible drops spaces and what does not show, a spreadsheet's apostrophe, and narrows wide characters.
// Line breaks stay, since they part numbers.
func visible(text string) string {
	text = trimmed(text)
	if !isASCII(text) {
		text = width.Fold.String(text)
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\u2028' || r == '\u2029':
			return '\n'
		case unicode.IsSpace(r) || invisible(r):
			return -1
		case unicode.Is(unicode.Pd, r) || r == '\u2212':
			return '-'
		}
		if d, ok := digit(r); ok {
			return rune(d)
		}
		return r
	}, text)
}

// digit gives the ASCII digit for one of the decimal digits that spreadsheets write.
func digit(r rune) (byte, bool) {
	for _, zero := range [...]rune{'0', '０', '٠', '۰'} {
		if r >= zero && r <= zero+9 {
			return byte('0' + r - zero), true
		}
	}
	return 0, false
}

// expand writes a number in exponent form out, if all its digits are there.
func expand(text string) (written, *Problem) {
	m := exponent.FindStringSubmatch(text)
	shift, _ := strconv.Atoi(m[4]) // at most three digits
	fraction := m[2]
	if m[3] == "-" {
		return written{}, &Problem{Code: CodeBadPhone, Reason: "the number has a fraction, which no phone number has"}
	}
	if len(fraction) < shift {
		return written{}, &Problem{
			Code: CodeDigitsLost, Reason: lostDigits,
		}
	}
	if strings.Trim(fraction[shift:], "0") != "" {
		return written{}, &Problem{Code: CodeBadPhone, Reason: "the number has a fraction, which no phone number has"}
	}
	sign := text[:strings.IndexFunc(text, unicode.IsDigit)]
	return strip(sign + m[1] + fraction[:shift])
}

// singleNumber refuses a cell with more than one number, and one with words.
func singleNumber(text string) *Problem {
	numbers := 0
	for _, part := range between.Split(text, -1) {
		if count(part) >= 6 {
			numbers++
		}
	}
	letters := strings.ContainsFunc(text, unicode.IsLetter)
	parted := strings.ContainsAny(strings.Trim(text, ";,|&\n"), ";,|&\n")
	switch {
	case numbers > 1 && (letters || parted):
		return &Problem{Code: CodeBadPhone, Reason: moreThanOne}
	case letters:
		return &Problem{Code: CodeBadPhone, Reason: "the cell has letters: give the number alone, without words or extension"}
	case parted:
		return &Problem{Code: CodeBadPhone, Reason: "the number has a comma, semicolon or line break in it: give one number alone"}
	case slashed(text):
		return &Problem{Code: CodeBadPhone, Reason: moreThanOne}
	}
	return nil
}

// slashed tells the slash between two numbers, or between two endings of one, from the slash after an
// area code: what comes before that is short.
func slashed(text string) bool {
	var parts []string
	for part := range strings.SplitSeq(text, "/") {
		if count(part) > 0 {
			parts = append(parts, part)
		}
	}
	for i, part := range parts[:max(0, len(parts)-1)] {
		most := 5
		if i == 0 {
			switch part = strings.TrimLeft(part, "(["); {
			case part[0] == '+':
				most = 7
			case strings.HasPrefix(part, "00"):
				most = 9
			case part[0] == '0':
				most = 6
			}
		}
		if count(part) > most {
			return true
		}
	}
	return false
}

func count(s string) int {
	n := 0
	for i := range len(s) {
		if s[i] >= '0' && s[i] <= '9' {
			n++
		}
	}
	return n
}

// strip drops separators.
func strip(text string) (written, *Problem) {
	var w written
	digits := make([]byte, 0, len(text))
	zeroAt := len(trunk.FindString(text)) - 2 // of "(0)"
	for i, r := range text {
		switch {
		case r >= '0' && r <= '9':
			if i == zeroAt {
				w.zero = len(digits)
			}
			digits = append(digits, byte(r))
		case r == '+' && len(digits) == 0 && !w.plus:
			w.plus = true
		case r == '+':
			return w, &Problem{Code: CodeBadPhone, Reason: "the number has a plus where none belongs"}
		case r == '-' && len(digits) == 0 && !w.plus:
			return w, &Problem{Code: CodeBadPhone, Reason: "the number has a minus sign: a spreadsheet may have calculated with it"}
		case r == '#' || r == '*':
			return w, &Problem{Code: CodeBadPhone, Reason: "the number has an extension or a service code: give the number alone"}
		case !strings.ContainsRune(`-./()[]{};,|&·~"=`+"\n", r): // 8~10: wait for the tone
			return w, &Problem{Code: CodeBadPhone, Reason: "the number has a character that no phone number has"}
		}
	}
	w.digits = string(digits)
	if strings.Trim(w.digits, "0") == "" {
		return w, &Problem{Code: CodeBadPhone, Reason: "the cell has no phone number"}
	}
	return w, nil
}
