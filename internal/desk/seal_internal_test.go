package desk

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var testKey = key(bytes.Repeat([]byte{7}, 32))

// What is sealed is opened in its place, with its key, and nowhere else; the same is never sealed the same twice.
func TestSeal(t *testing.T) {
	sealed := testKey.seal("row 1", "anna@example.com")
	if got, err := testKey.open("row 1", sealed); got != "anna@example.com" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if bytes.Contains(sealed, []byte("anna")) || bytes.Equal(sealed, testKey.seal("row 1", "anna@example.com")) {
		t.Errorf("%q", sealed)
	}
	other := key(bytes.Repeat([]byte{8}, 32))
	flipped := bytes.Clone(sealed)
	flipped[len(flipped)/2] ^= 1
	for name, tt := range map[string]struct {
		key    key
		place  string
		sealed []byte
	}{
		"another place": {testKey, "row 2", sealed},
		"another key":   {other, "row 1", sealed},
		"changed":       {testKey, "row 1", flipped},
		"cut off":       {testKey, "row 1", sealed[:len(sealed)-1]},
		"empty":         {testKey, "row 1", []byte{}},
	} {
		if got, err := tt.key.open(tt.place, tt.sealed); err == nil || got != "" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if got, err := testKey.open("row 1", nil); got != "" || err != nil { // what is forgotten
		t.Errorf("%q, %v", got, err)
	}
	if again := testKey.digest("a"); testKey.digest("a") != again || again == testKey.digest("b") || testKey.digest("a") == other.digest("a") {
		t.Error("digests do not tell values and keys apart")
	}
}

// keep encrypts a file, and gives where it lies.
func keep(t *testing.T, name string, plain []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kept")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, err := testKey.writer(name, f)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// kept opens what lies there.
func kept(t *testing.T, name, path string) (io.ReaderAt, int64, error) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return testKey.bytes(name)(f)
}

// A file that is kept encrypted is read at any place as the file itself.
func TestKeptFile(t *testing.T) {
	const p = 64 << 10
	for _, size := range []int{1, p - 1, p, p + 1, 3 * p, 7*p + 17} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			plain := make([]byte, size)
			rand.Read(plain)
			r, n, err := kept(t, "a", keep(t, "a", plain))
			if err != nil || n != int64(size) {
				t.Fatalf("%d bytes, %v", n, err)
			}
			want := bytes.NewReader(plain)
			for _, at := range []int{0, 1, p - 1, p, p + 1, 2*p - 3, size / 2, size - p, size - 1, size, size + 1} {
				for _, length := range []int{1, 2, 100, p - 1, p, p + 1, 6 * p, size} {
					if at < 0 || length == 0 {
						continue
					}
					a, b := make([]byte, length), make([]byte, length)
					n, err := r.ReadAt(a, int64(at))
					m, wantErr := want.ReadAt(b, int64(at))
					if n != m || !bytes.Equal(a[:n], b[:m]) || (err != nil && err != io.EOF) || m < length && wantErr == io.EOF && err != io.EOF {
						t.Fatalf("%d bytes at %d: %d, %v; want %d, %v", length, at, n, err, m, wantErr)
					}
				}
			}
		})
	}
}

// What was changed, cut off, or is another's is not read to its end as if it were whole. That nothing was cut off
// between two packages cannot be seen here: the content of an upload, and the digest of a plan, tell.
func TestKeptFileDamaged(t *testing.T) {
	plain := []byte(strings.Repeat("anna@example.com\n", 10_000)) // three packages
	path := keep(t, "a", plain)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(whole, []byte("anna")) {
		t.Error("it is not encrypted")
	}
	const p = 16 + 64<<10 + 16 // of a package with its header and tag
	flip := func(at int) []byte { b := bytes.Clone(whole); b[at] ^= 1; return b }
	for name, tt := range map[string]struct {
		as   string
		file []byte
	}{
		"the first byte":               {"a", flip(0)},
		"a byte of the first package":  {"a", flip(100)},
		"a byte of the last package":   {"a", flip(len(whole) - 100)},
		"the last byte":                {"a", flip(len(whole) - 1)},
		"cut off by a byte":            {"a", whole[:len(whole)-1]},
		"cut off in the next":          {"a", whole[:2*p-1]},
		"without its first package":    {"a", whole[p:]},
		"with two in each other's way": {"a", bytes.Join([][]byte{whole[p : 2*p], whole[:p], whole[2*p:]}, nil)},
		"with more at its end":         {"a", append(bytes.Clone(whole), whole[:p]...)},
		"another's":                    {"b", whole},
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(path, tt.file, 0o600); err != nil {
				t.Fatal(err)
			}
			r, n, err := kept(t, tt.as, path)
			if err != nil {
				return
			}
			got, err := io.ReadAll(io.NewSectionReader(r, 0, n))
			if err == nil {
				t.Errorf("%d bytes were read, and all seems well: as they were: %t", len(got), bytes.Equal(got, plain))
			}
		})
	}
}
