package pipeline

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestKeptSuppression writes lists and reads them again: they hold the same people at the same lines, and what is kept
// holds nobody in clear.
func TestKeptSuppression(t *testing.T) {
	first := suppressing(t, "SE", []string{"070-174 06 05", "anna@example.com"}, []string{"bo@example.com"})
	second := suppressing(t, "", []string{"cleo@example.com", "anna@example.com"})
	var all []*Suppression
	for _, s := range []*Suppression{first, second} {
		var b bytes.Buffer
		n, err := s.WriteTo(&b)
		if err != nil || n != int64(b.Len()) {
			t.Fatalf("%d of %d bytes, %v", n, b.Len(), err)
		}
		for _, clear := range []string{"anna", "bo@", "cleo", "0701740605", "+46701740605"} {
			if bytes.Contains(b.Bytes(), []byte(clear)) {
				t.Errorf("it holds %s in clear", clear)
			}
		}
		read, err := ReadKeptSuppression(bytes.NewReader(b.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(s.Lists(), read.Lists()); diff != "" {
			t.Errorf("the lists differ:\n%s", diff)
		}
		all = append(all, read)
		for n := range b.Len() { // wherever it is cut off
			if _, err := ReadKeptSuppression(bytes.NewReader(b.Bytes()[:n])); err == nil {
				t.Fatalf("%d of %d bytes are taken for all", n, b.Len())
			}
		}
		b.WriteByte(0)
		if _, err := ReadKeptSuppression(&b); err == nil {
			t.Error("a byte more is taken")
		}
	}
	joined, err := JoinSuppressions(nil, all[0], nil, all[1])
	if err != nil {
		t.Fatal(err)
	}
	for contact, want := range map[string]string{
		"+46701740605": "0.csv 1 true", "anna@example.com": "0.csv 2 true", "bo@example.com": "1.csv 1 true", "cleo@example.com": "0.csv 1 true", "x@example.com": " 0 false",
	} {
		list, line, ok := joined.Find(contact)
		if got := fmt.Sprintf("%s %d %t", list, line, ok); got != want {
			t.Errorf("%s is at %s, want %s", contact, got, want)
		}
	}
	if n := len(joined.Lists()); n != 3 {
		t.Errorf("%d lists are kept", n)
	}
	if none, err := JoinSuppressions(nil, nil); none != nil || err != nil {
		t.Errorf("of none there is %v, %v", none, err)
	}
	if one, err := JoinSuppressions(nil, first); one != first || err != nil {
		t.Errorf("of one there is %v, %v", one, err)
	}
}
