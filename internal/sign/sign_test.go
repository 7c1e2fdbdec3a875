package sign_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hppsend/internal/sign"
	"hppsend/pipeline"
)

// desk is a folder with keys and what they have signed, all made by the ssh-keygen of the system.
type desk struct {
	t   *testing.T
	dir string
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	return &desk{t, t.TempDir()}
}

func (d *desk) keygen(in string, args ...string) (string, error) {
	d.t.Helper()
	c := exec.Command("ssh-keygen", args...)
	c.Dir, c.Stdin, c.Env = d.dir, strings.NewReader(in), append(os.Environ(), "TZ=Europe/Stockholm")
	out, err := c.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		d.t.Fatal(err)
	}
	return string(out), err
}

// key makes a key and gives its public half, as a line has it.
func (d *desk) key(name string, kind ...string) string {
	d.t.Helper()
	if len(kind) == 0 {
		kind = []string{"-t", "ed25519"}
	}
	if out, err := d.keygen("", append([]string{"-q", "-N", "", "-C", "", "-f", name}, kind...)...); err != nil {
		d.t.Fatalf("%v\n%s", err, out)
	}
	return strings.TrimSpace(d.read(name + ".pub"))
}

func (d *desk) read(name string) string {
	d.t.Helper()
	text, err := os.ReadFile(filepath.Join(d.dir, name))
	if err != nil {
		d.t.Fatal(err)
	}
	return string(text)
}

func (d *desk) write(name, text string) {
	d.t.Helper()
	if err := os.WriteFile(filepath.Join(d.dir, name), []byte(text), 0o600); err != nil {
		d.t.Fatal(err)
	}
}

// sign signs a text and gives the signature.
func (d *desk) sign(key, namespace, text string, more ...string) string {
	d.t.Helper()
	d.write("text", text)
	os.Remove(filepath.Join(d.dir, "text.sig"))
	if out, err := d.keygen("", append(append([]string{"-Y", "sign", "-n", namespace, "-f", key}, more...), "text")...); err != nil {
		d.t.Fatalf("%v\n%s", err, out)
	}
	return d.read("text.sig")
}

// verify asks ssh-keygen whether a signature is somebody's.
func (d *desk) verify(list, name, signature, text string) bool {
	d.t.Helper()
	d.write("list", list)
	d.write("sig", signature)
	_, err := d.keygen(text, "-Y", "verify", "-f", "list", "-I", name, "-n", sign.Namespace, "-s", "sig")
	return err == nil
}

const text = "a plan\n"

func verify(list, signature, text string) (sign.Signed, error) {
	s, err := sign.Parse("approvers", []byte(list))
	if err != nil {
		return sign.Signed{}, err
	}
	return s.Verify([]byte(text), []byte(signature), time.Now())
}

// refused sees that an error is of wrong usage, and says what is wrong.
func refused(t *testing.T, err error, says string) {
	t.Helper()
	if !errors.Is(err, pipeline.Usage) || says == "" || !strings.Contains(err.Error(), says) {
		t.Errorf("it says %v, not %q", err, says)
	}
}

// TestSigners asks ssh-keygen and us who has signed, by lists of every kind. Where we are stricter it is said.
func TestSigners(t *testing.T) {
	t.Setenv("TZ", "Europe/Stockholm")
	stockholm, err := time.LoadLocation("Europe/Stockholm")
	if err != nil {
		t.Fatal(err)
	}
	defer func(was *time.Location) { time.Local = was }(time.Local)
	time.Local = stockholm
	d := newDesk(t)
	bo, other := d.key("bo"), d.key("other")
	sig := d.sign("bo", sign.Namespace, text)
	at := func(d time.Duration) string { return time.Now().Add(d).Format("20060102150405") }
	utc := func(d time.Duration) string { return time.Now().Add(d).UTC().Format("20060102150405") + "Z" }
	for name, tt := range map[string]struct {
		list     string
		says     string // of us; empty: bo has signed
		stricter bool   // ssh-keygen would let it pass
	}{
		"alone":                     {"bo " + bo, "", false},
		"among others":              {"# who may\n\nanna " + other + "\n  bo " + bo + " a comment\n", "", false},
		"one of its names":          {"b,bo,b.o@example.com " + bo, "", false},
		"a name in quotes":          {`"bo" ` + bo, "", false},
		"with tabs":                 {"bo\t" + bo, "", false},
		"lines of DOS":              {"anna " + other + "\r\nbo " + bo + "\r\n", "", false},
		"another's key":             {"bo " + other, "is not in approvers", false},
		"nobody":                    {"# bo " + bo + "\n", "lists nobody", false},
		"empty":                     {"", "lists nobody", false},
		"for us":                    {`bo namespaces="hppsend" ` + bo, "", false},
		"for us too":                {`bo namespaces="git,hppsend" ` + bo, "", false},
		"for all of a kind":         {`bo namespaces="hpp*" ` + bo, "", false},
		"for seven letters":         {`bo NameSpaces="???????" ` + bo, "", false},
		"for git":                   {`bo namespaces="git" ` + bo, "signs for git only", false},
		"for all but us":            {`bo namespaces="*,!hppsend" ` + bo, "signs for", false},
		"for six letters":           {`bo namespaces="??????" ` + bo, "signs for", false},
		"for git, and once for us":  {`bo namespaces="git" ` + bo + "\n" + `bo namespaces="hppsend" ` + bo, "", false},
		"from yesterday":            {`bo valid-after="` + at(-24*time.Hour) + `" ` + bo, "", false},
		"from an hour ago, UTC":     {`bo valid-after="` + utc(-time.Hour) + `" ` + bo, "", false},
		"from in half an hour":      {`bo valid-after="` + at(30*time.Minute) + `" ` + bo, "is not valid before", false},
		"from in half an hour, UTC": {`bo valid-after="` + utc(30*time.Minute) + `" ` + bo, "is not valid before", false},
		"until tomorrow":            {`bo valid-before="` + time.Now().Add(48*time.Hour).Format("20060102") + `" ` + bo, "", false},
		"until half an hour ago":    {`bo valid-before="` + at(-30*time.Minute) + `" ` + bo, "was valid until", false},
		"until an hour ago":         {`bo valid-before="` + time.Now().Add(-time.Hour).Format("200601021504") + `" ` + bo, "was valid until", false},
		"until a day":               {`bo valid-before="20200131" ` + bo, "was valid until", false},
		"between":                   {`bo valid-after="20200131",valid-before="` + utc(time.Hour) + `",namespaces="hppsend" ` + bo, "", false},
		"the wrong way round":       {`bo valid-after="20300131",valid-before="20200131" ` + bo, "not after valid-after", false},
		"no time":                   {`bo valid-before="soon" ` + bo, "is no time", false},
		"a month that is none":      {`bo valid-before="20301301" ` + bo, "is no time", false},
		"an option twice":           {`bo namespaces="hppsend",namespaces="git" ` + bo, "said twice", false},
		"an option that is unknown": {`bo touch-required="yes" ` + bo, "not known", false},
		"an option without quotes":  {`bo namespaces=hppsend ` + bo, "quotes", false},
		"no key":                    {"bo\n", "no key", false},
		"half a key":                {"bo " + bo[:40], "no key", false},
		"an authority":              {"bo cert-authority " + bo, "cert-authority is not understood", false},
		"an authority beside":       {"bo " + bo + "\nanna cert-authority " + other, "cert-authority is not understood", true},
		"a name for many":           {"b* " + bo, "stands for several people", true},
		"everybody":                 {"* " + bo, "stands for several people", true},
		"a name that is not":        {"!anna,b? " + bo, "stands for several people", true},
		"a line beside is no line":  {"bo " + bo + "\nanna is away", "no key", true},
	} {
		t.Run(name, func(t *testing.T) {
			by, err := verify(tt.list, sig, text)
			theirs := d.verify(tt.list, "bo", sig, text)
			if tt.says == "" {
				if err != nil || !slices.Contains(by.By, "bo") || by.Key == "" || !by.Is("bo") || by.Is("anna") {
					t.Errorf("by %+v, %v", by, err)
				}
			} else {
				refused(t, err, tt.says)
			}
			if theirs != (tt.says == "" || tt.stricter) {
				t.Errorf("ssh-keygen lets it pass: %t", theirs)
			}
		})
	}
}

// TestKeys has keys of each kind sign.
func TestKeys(t *testing.T) {
	d := newDesk(t)
	for name, tt := range map[string]struct {
		kind, more []string
		says       string
	}{
		"ed25519":           {[]string{"-t", "ed25519"}, nil, ""},
		"ecdsa":             {[]string{"-t", "ecdsa", "-b", "256"}, nil, ""},
		"ecdsa-384":         {[]string{"-t", "ecdsa", "-b", "384"}, nil, ""},
		"ecdsa-521":         {[]string{"-t", "ecdsa", "-b", "521"}, nil, ""},
		"rsa":               {[]string{"-t", "rsa", "-b", "2048"}, nil, ""},
		"with sha256":       {[]string{"-t", "ed25519"}, []string{"-O", "hashalg=sha256"}, ""},
		"rsa that is short": {[]string{"-t", "rsa", "-b", "1024"}, nil, "fewer than 2048 bits"},
	} {
		file := strings.ReplaceAll(name, " ", "-")
		list := "bo " + d.key(file, tt.kind...)
		by, err := verify(list, d.sign(file, sign.Namespace, text, tt.more...), text)
		if tt.says == "" && (err != nil || !slices.Equal(by.By, []string{"bo"})) {
			t.Errorf("%s: by %+v, %v", name, by, err)
		} else if tt.says != "" {
			refused(t, err, tt.says)
		}
	}
	d.key("authority")
	bo := d.key("certified")
	if out, err := d.keygen("", "-s", "authority", "-I", "bo", "-n", "bo", "certified.pub"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	_, err := verify("bo "+bo, d.sign("certified-cert.pub", sign.Namespace, text), text)
	refused(t, err, "a certificate is none")
}

// TestSignatureHolds changes every byte of what is signed and of the signature, and takes the signature of something
// else: none passes. ssh-keygen says the same.
func TestSignatureHolds(t *testing.T) {
	d := newDesk(t)
	list := "bo " + d.key("bo")
	sig := d.sign("bo", sign.Namespace, text)
	if _, err := verify(list, sig, text); err != nil {
		t.Fatal(err)
	}
	for i := range text {
		for bit := range 8 {
			other := []byte(text)
			other[i] ^= 1 << bit
			_, err := verify(list, sig, string(other))
			refused(t, err, "it is not of this file")
		}
	}
	for i := range sig {
		other := []byte(sig)
		other[i] ^= 1
		if _, err := verify(list, string(other), text); err == nil && d.verify(list, "bo", string(other), text) == false {
			t.Errorf("byte %d of the signature does not count, %q", i, sig[max(0, i-5):min(len(sig), i+5)])
		}
	}
	for name, tt := range map[string]struct{ sig, text, says string }{
		"of another file":     {d.sign("bo", sign.Namespace, "another plan\n"), text, "it is not of this file"},
		"for another program": {d.sign("bo", "git", text), text, `it is made for "git"`},
		"for a like one":      {d.sign("bo", "hppsend2", text), text, `it is made for "hppsend2"`},
		"empty":               {"", text, "it is no signature"},
		"the plan":            {text, text, "it is no signature"},
		"the public key":      {d.read("bo.pub"), text, "it is no signature"},
		"the private key":     {d.read("bo"), text, "it is no signature"},
		"cut off":             {sig[:len(sig)/2], text, "it is no signature"},
		"of a longer one":     {sig, text + " ", "it is not of this file"},
		"of nothing":          {sig, "", "it is not of this file"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := verify(list, tt.sig, tt.text)
			refused(t, err, tt.says)
			if d.verify(list, "bo", tt.sig, tt.text) {
				t.Error("ssh-keygen lets it pass")
			}
		})
	}
	if !bytes.Contains([]byte(sig), []byte("BEGIN SSH SIGNATURE")) {
		t.Error("it was no signature from the start")
	}
}

// TestIs has who wants a plan sent under the names by which they may be known.
func TestIs(t *testing.T) {
	d := newDesk(t)
	key := d.key("bo")
	past := `bo2@example.com valid-before="20200101" ` + key + "\n" // a name of the same person, though it may not sign
	by, err := verify(past+"bo@example.com,robert "+key, d.sign("bo", sign.Namespace, text), text)
	if err != nil || fmt.Sprint(by.By) != "[bo@example.com robert]" {
		t.Fatalf("by %+v, %v", by, err)
	}
	for name, same := range map[string]bool{
		"bo@example.com": true, "Bo@Example.COM": true, " bo@example.com ": true, "bo": true, "BO": true, "robert": true, "robert@example.net": true, "bo2": true,
		"bo2@example.com": true, "bo@example.net": false, "anna": false, "bo3": false, "": false, "example.com": false,
	} {
		if by.Is(name) != same {
			t.Errorf("%q is who has signed: %t", name, !same)
		}
	}
}
