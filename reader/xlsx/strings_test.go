package xlsx

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestUnescape(t *testing.T) {
	for in, want := range map[string]string{
		"":                     "",
		"plain_x":              "plain_x",
		"a_x000D_b":            "a\rb",
		"_x000a_":              "\n",
		"_x0041__x0042_":       "AB",
		"_x005F_x000D_":        "_x000D_",
		"_x005F_":              "_",
		"_x00E5_":              "å",
		"_xD83D__xDE00_":       "😀",
		"_xD83D_":              "\uFFFD",
		"_xD83D__x0041_":       "\uFFFDA",
		"_xDE00__xD83D_":       "\uFFFD\uFFFD",
		"_x000_":               "_x000_",
		"_x000G_":              "_x000G_",
		"_X000D_":              "_X000D_",
		"_x000D":               "_x000D",
		"__x000D__":            "_\r_",
		"max_xavier@x_x0040_.": "max_xavier@x@.",
	} {
		if got := string(unescape([]byte(in))); got != want {
			t.Errorf("%s is %q, want %q", in, got, want)
		}
	}
}

func TestStringTable(t *testing.T) {
	all, err := readTable(strings.NewReader(`<?xml version="1.0"?>
<sst xmlns="m" count="9" uniqueCount="9">
 <si><t>plain</t></si><si><t xml:space="preserve">  kept </t></si><si><t/></si><si/>
 <si><r><rPr><b/><t>no</t></rPr><t>rich </t></r><r><t>text</t></r></si>
 <si><t>東京</t><rPh sb="0" eb="2"><t>トウキョウ</t></rPh><phoneticPr fontId="1"/></si>
 <si><t>R&amp;D <![CDATA[<&>]]>_x000D_</t></si>
 <si><y:t>no</y:t><t>prefix</t></si>
 <extLst><si><t>no</t></si></extLst>
 <si><t>last</t></si>
</sst>`), 1, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := 0; ; i++ {
		s, _, ok := all.at(i)
		if !ok {
			break
		}
		got = append(got, s)
	}
	want := []string{"plain", "  kept ", "", "", "rich text", "東京", "R&D <&>\r", "prefix", "last"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	for _, i := range []int{-1, len(want), 1 << 40} {
		if s, _, ok := all.at(i); ok {
			t.Errorf("string %d is %q", i, s)
		}
	}
	if _, _, ok := (*table)(nil).at(0); ok {
		t.Error("a book without a table has a string")
	}
}

func TestStringTableRefuses(t *testing.T) {
	for _, c := range []struct{ name, xml, want string }{
		{"another root", "<worksheet/>", "does not begin with <sst>"},
		{"nothing", "", "ends in the middle"},
		{"a stray text", "<sst>a</sst>", "text where none"},
		{"a stray text in a string", "<sst><si>a</si></sst>", "text where none"},
		{"an element in a text", "<sst><si><t>a<b/></t></si></sst>", "element inside a text"},
		{"a cut", "<sst><si><t>a</t></si>", "ends in the middle"},
		{"too much text", "<sst>" + strings.Repeat("<si><t>"+strings.Repeat("a", 100)+"</t></si>", 20) + "</sst>", "too many"},
		{"too many strings", "<sst>" + strings.Repeat("<si/>", 300) + "</sst>", "too many"},
	} {
		if _, err := readTable(strings.NewReader(c.xml), int64(len(c.xml)), 1000); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestReference(t *testing.T) {
	for in, want := range map[string]string{
		"A1":         "0 1 true",
		"B7":         "1 7 true",
		"Z10":        "25 10 true",
		"AA1":        "26 1 true",
		"XFD1048576": "16383 1048576 true",
		"ZZZZ1":      "475253 1 true", // the caller bounds it
		"":           "0 0 false",
		"A":          "0 0 false",
		"1":          "0 0 false",
		"a1":         "0 0 false",
		"A0":         "0 0 false",
		"A01":        "0 0 false",
		"A-1":        "0 0 false",
		"A1B":        "0 0 false",
		"$A$1":       "0 0 false",
		"A1:B2":      "0 0 false",
		"AAAAA1":     "0 0 false",
		"A12345678":  "0 0 false",
		"A1 ":        "0 0 false",
	} {
		c, r, ok := reference([]byte(in))
		if got := fmt.Sprint(c, r, ok); got != want {
			t.Errorf("%s is %s, want %s", in, got, want)
		}
	}
}
