package xlsx

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// tokens writes the tokens of a part one after another, a closing tag as /.
func tokens(r io.Reader) (string, error) {
	x := newScanner(r)
	var b strings.Builder
	for {
		k, err := x.next()
		switch {
		case err != nil:
			return b.String(), err
		case k == endOfPart:
			return b.String(), nil
		case k == text:
			fmt.Fprintf(&b, "%q", x.text)
		case k == closeTag:
			b.WriteString("/")
		default:
			fmt.Fprintf(&b, "<%s", x.name)
			for _, a := range x.attrs {
				fmt.Fprintf(&b, " %s=%s", a.name, a.value)
			}
			b.WriteString(">")
		}
	}
}

func TestScan(t *testing.T) {
	long := strings.Repeat("x", 200_000)
	for _, c := range []struct{ name, xml, want string }{
		{"an empty root", `<a/>`, `<a>/`},
		{"an empty root with a space", `<a />`, `<a>/`},
		{"a tag closed with a space", "<a></a \n>", `<a>/`},
		{"text", `<a>b</a>`, `<a>"b"/`},
		{"a byte order mark", "\ufeff<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a/>\n", `<a>/`},
		{"attributes in both quotes", `<a b="1" c = '2"3'/>`, `<a b=1 c=2"3>/`},
		{"attributes on lines of their own", "<a\r\n\tb=\"1\"\nc=\"2\"\n/>", `<a b=1 c=2>/`},
		{"a > inside a value", `<a b="1>2"  c='">"'>d</a>`, `<a b=1>2 c=">">"d"/`},
		{"a > inside a text", `<a>1 > 0</a>`, `<a>"1 > 0"/`},
		{"an entity in a value is left", `<a b="&amp;"/>`, `<a b=&amp;>/`},
		{"the five entities", `<a>&lt;&gt;&amp;&quot;&apos;</a>`, `<a>"<>&\"'"/`},
		{"entities by number", `<a>&#65;&#x42;&#x1F600;&#10;</a>`, `<a>"AB😀\n"/`},
		{"line ends", "<a>1\r\n2\r3\n</a>", `<a>"1\n2\n3\n"/`},
		{"a return by number stays", "<a>1&#13;\n</a>", `<a>"1\r\n"/`},
		{"CDATA", `<a>1<![CDATA[<b>&amp;]]&]]>2</a>`, `<a>"1""<b>&amp;]]&""2"/`},
		{"line ends in CDATA", "<a><![CDATA[1\r\n2\r3]]></a>", `<a>"1\n2\n3"/`},
		{"an empty CDATA", `<a><![CDATA[]]></a>`, `<a>""/`},
		{"comments", `<!-- <b> --><a>1<!---->2<!-- - -></b> --></a><!-- end -->`, `<a>"1""2"/`},
		{"instructions", `<?xml version="1.0"?><?b <c> ?><a>1<?d?>2</a><?e?>`, `<a>"1""2"/`},
		{"the root's prefix", `<x:a xmlns:x="u"><x:b x:c="1"/></x:a>`, `<a xmlns:x=u><b x:c=1>//`},
		{"another prefix", `<a><y:b/><c/></a>`, `<a><>/<c>//`},
		{"no prefix under one", `<x:a><b/></x:a>`, `<a><>//`},
		{"the same attribute under two prefixes", `<a r="1" x:r="2"/>`, `<a r=1 x:r=2>/`},
		{"names of other letters", `<ä-1.b_c é="1"/>`, `<ä-1.b_c é=1>/`},
		{"a text longer than the buffer", "<a>" + long + "</a>", `<a>"` + long + `"/`},
		{"a tag longer than the buffer", "<a b='" + long + "'/>", `<a b=` + long + `>/`},
		{"a comment longer than the buffer", "<a><!--" + long + "--></a>", `<a>/`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := tokens(strings.NewReader(c.xml))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			for name, r := range map[string]io.Reader{
				"byte by byte":             iotest.OneByteReader(strings.NewReader(c.xml)),
				"with the end in the data": iotest.DataErrReader(strings.NewReader(c.xml)),
				"with empty reads":         &stuttering{r: strings.NewReader(c.xml)},
			} {
				if again, err := tokens(r); err != nil || again != got {
					t.Errorf("%s: %v", name, err)
				}
			}
			for i := range min(len(c.xml), 300) {
				if i >= len(strings.TrimRight(c.xml, "\n")) || strings.HasSuffix(c.xml[:i], "</a>") {
					continue
				}
				if got, err := tokens(strings.NewReader(c.xml[:i])); err == nil {
					t.Errorf("cut after %d bytes it gives %s", i, got)
				}
			}
		})
	}
}

// stuttering reads nothing every other time.
type stuttering struct {
	r    io.Reader
	full bool
}

func (s *stuttering) Read(p []byte) (int, error) {
	if s.full = !s.full; s.full {
		return 0, nil
	}
	return s.r.Read(p[:1])
}

func TestScanRefuses(t *testing.T) {
	for _, c := range []struct{ name, xml, want string }{
		{"nothing", ``, "ends in the middle"},
		{"only white space", " \n", "ends in the middle"},
		{"only an instruction", `<?xml version="1.0"?>`, "ends in the middle"},
		{"a bare &", `<a>b & c</a>`, "bare &"},
		{"a bare & before a distant ;", `<a>b & some more text;</a>`, "bare &"},
		{"a bare & in a value", `<a b="c & d"/>`, "bare &"},
		{"an unknown entity", `<a>&nbsp;</a>`, "unknown entity"},
		{"an empty entity", `<a>&;</a>`, "unknown entity"},
		{"an entity without a number", `<a>&#;</a>`, "unknown entity"},
		{"an entity without a hex number", `<a>&#x;</a>`, "unknown entity"},
		{"an entity with a sign", `<a>&#+65;</a>`, "unknown entity"},
		{"an entity with an underscore", `<a>&#x1_0;</a>`, "unknown entity"},
		{"a number without #", `<a>&65;</a>`, "unknown entity"},
		{"a surrogate", `<a>&#xD800;</a>`, "unknown entity"},
		{"beyond Unicode", `<a>&#x110000;</a>`, "unknown entity"},
		{"a control character by number", `<a>&#1;</a>`, "unknown entity"},
		{"a control character", "<a>\x01</a>", "control character"},
		{"a control character in a value", "<a b='\x00'/>", "control character"},
		{"a control character in a comment", "<a><!-- \x02 --></a>", "control character"},
		{"a control character in CDATA", "<a><![CDATA[\x0b]]></a>", "control character"},
		{"invalid UTF-8 in a text", "<a>\xe5</a>", "UTF-8"},
		{"invalid UTF-8 in a value", "<a b='\xe5'/>", "UTF-8"},
		{"invalid UTF-8 in a name", "<\xe5/>", "UTF-8"},
		{"another encoding", `<?xml version="1.0" encoding="ISO-8859-1"?><a/>`, "UTF-8"},
		{"half a character of UTF-16", "\xff\xfe<\x00a\x00/\x00>\x00\x00", "UTF-16"},
		{"half a pair of UTF-16", "\xfe\xff\x00<\x00a\x00>\xd8\x3d\x00<\x00/\x00a\x00>", "UTF-16"},
		{"UTF-16 that says otherwise", utf16Of(`<?xml version="1.0" encoding="UTF-8"?><a/>`), "says otherwise"},
		{"UTF-8 that says otherwise", `<?xml version="1.0" encoding="UTF-16"?><a/>`, "UTF-8"},
		{"an unclosed element", `<a><b></a>`, "closed that is not"},
		{"mis-nested elements", `<a><b></a></b>`, "closed that is not"},
		{"a closing tag alone", `</a>`, "closed that is not"},
		{"one closing tag too many", `<a/></a>`, "closed that is not"},
		{"a closing tag with attributes", `<a></a b="1">`, "closed that is not"},
		{"a closing tag without a name", `<a></>`, "closed that is not"},
		{"another prefix at the end", `<x:a></y:a>`, "closed that is not"},
		{"a second root", `<a/><b/>`, "second root"},
		{"text before", `b<a/>`, "text outside"},
		{"text behind", `<a/>b`, "text outside"},
		{"NULs behind", "<a/>\x00", "control character"},
		{"a byte order mark behind", "<a/>\ufeff", "text outside"},
		{"CDATA outside", `<a/><![CDATA[ ]]>`, "text outside"},
		{"the end of CDATA alone", `<a>]]></a>`, "]]>"},
		{"an attribute twice", `<a b="1" c="2" b="3"/>`, "twice"},
		{"an unquoted attribute", `<a b=1/>`, "not quoted"},
		{"an attribute without a value", `<a b/>`, "without a value"},
		{"an attribute without a name", `<a ="1"/>`, "without a value"},
		{"attributes that touch", `<a b="1"c="2"/>`, "not parted"},
		{"attributes that touch before a space", `<a b="1"c="2" />`, "not parted"},
		{"an attribute that is not closed", `<a b="1/>`, "ends in the middle"},
		{"an attribute that is closed later", `<a b="1><c d="2"/></a>`, "< inside a tag"},
		{"a tag inside a tag", `<a <b/>></a>`, "< inside a tag"},
		{"a slash too early", `<a/ >`, "not parted"},
		{"a tag without a name", `<>`, "no name"},
		{"a space before the name", `< a/>`, "no name"},
		{"a name that begins with a digit", `<1/>`, "no name"},
		{"a strange name", `<a$/>`, "not parted"},
		{"a document type", `<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`, "document type"},
		{"CDATA misspelt", `<a><![CDATB[b]]></a>`, "document type"},
		{"-- inside a comment", `<a><!-- b -- c --></a>`, "comment"},
		{"a comment that ends in three", `<a><!-- b ---></a>`, "comment"},
		{"a comment that is not closed", `<a><!-- b </a>`, "ends in the middle"},
		{"a late declaration", `<a><?xml version="1.0"?></a>`, "declaration"},
		{"a text without end", "<a>" + strings.Repeat("b", tokenMost), "too long"},
		{"a tag without end", "<a b='" + strings.Repeat(">", tokenMost), "too long"},
		{"a comment without end", "<a><!--" + strings.Repeat("- ", tokenMost/2), "too long"},
		{"elements without end", strings.Repeat("<a>", depthMost+1), "too deep"},
		{"attributes without end", "<a" + manyAttributes(attributesMost+1) + "/>", "too many attributes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := tokens(strings.NewReader(c.xml))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %.80q, %v", got, err)
			}
			if len(c.xml) > 10_000 {
				return
			}
			if _, again := tokens(iotest.OneByteReader(strings.NewReader(c.xml))); again == nil || again.Error() != err.Error() {
				t.Errorf("byte by byte: %v, and not %v", again, err)
			}
		})
	}
}

func manyAttributes(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, " a%d=''", i)
	}
	return b.String()
}

func TestScanKeepsReadErrors(t *testing.T) {
	broken := errors.New("the disk is gone")
	for _, begun := range []string{"", "<", "<a", "<a>b", "<a/>", "<a><!--", "<a></", "<a><![CDATA[", "<?xml"} {
		_, err := tokens(io.MultiReader(strings.NewReader(begun), iotest.ErrReader(broken)))
		if !errors.Is(err, broken) {
			t.Errorf("after %q: %v", begun, err)
		}
	}
}

func TestScanKeepsTextOutOfMessages(t *testing.T) {
	for _, x := range []string{"<a>R & anna@example.com;</a>", "<a></anna@example.com></a>", "<a>&anna@example.com;</a>"} {
		if _, err := tokens(strings.NewReader(x)); err == nil || strings.Contains(err.Error(), "anna") {
			t.Errorf("%s: %v", x, err)
		}
	}
}

// A part of nothing but the longest tags and texts takes time in proportion to its bytes.
func TestScanIsLinear(t *testing.T) {
	xml := []byte("<a>")
	for range 4 {
		xml = append(xml, "<b c='"...)
		xml = append(xml, bytes.Repeat([]byte(">"), tokenMost-100)...)
		xml = append(xml, "'/>"...)
		xml = append(xml, bytes.Repeat([]byte("&gt;"), tokenMost/4-100)...)
	}
	if _, err := tokens(bytes.NewReader(append(xml, "</a>"...))); err != nil {
		t.Error(err)
	}
}
