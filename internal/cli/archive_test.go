package cli_test

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hppsend/internal/sandbox"
)

// during lets something happen between the first call of the next run, which waits for it, and its answer.
func (p *place) during(happens func()) { p.duringCall(1, happens) }

// duringCall has it happen while that call and all later ones wait for their answer.
func (p *place) duringCall(number int64, happens func()) {
	p.t.Helper()
	var once sync.Once
	var calls atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) >= number {
			once.Do(happens)
		}
		p.box.ServeHTTP(w, r)
	}))
	p.url = "http://" + s.Listener.Addr().String() // before it serves: what happens may read it
	s.Start()
	p.t.Cleanup(s.Close)
}

// files lists a folder, less the time in the names of an archive.
func (p *place) files(name string) (found []string) {
	p.t.Helper()
	entries, err := os.ReadDir(p.path(name))
	if err != nil && !os.IsNotExist(err) {
		p.t.Fatal(err)
	}
	for _, e := range entries {
		found = append(found, stamp.ReplaceAllString(e.Name(), "-TIME"))
	}
	return found
}

// ok fails the test on an error.
func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestInputIsAnotherAtTheEnd lets the input become another in every way while the run sends. What is not
// what was sent stays where it is, and is said; the next night sends what is new, once.
func TestInputIsAnotherAtTheEnd(t *testing.T) {
	t.Parallel()
	const rows, more = 8, 4
	change := func(path, old, changed string) error {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(path, []byte(strings.Replace(string(text), old, changed, 1)), 0o600)
	}
	for _, tc := range []struct {
		name     string
		change   func(p *place, path string) error
		archived int    // the exit code with --archive
		plain    int    // and without
		says     string // in both, where the code is 1
		in       []string
		accepted int // by the end of the next night
	}{
		{"nothing", func(*place, string) error { return nil }, 0, 0, "", nil, rows},
		{"touched", func(p *place, path string) error {
			return os.Chtimes(path, time.Time{}, time.Now().Add(time.Hour))
		}, 0, 0, "", nil, rows},
		{"replaced", func(p *place, path string) error {
			return os.Rename(p.path("more.csv"), path)
		}, 1, 1, "it is another file by now", []string{"may.csv", "may.report.csv"}, rows + more},
		{"replaced by a copy of itself", func(p *place, path string) error {
			if err := os.CopyFS(p.path("copy"), os.DirFS(p.path("in"))); err != nil {
				return err
			}
			return os.Rename(p.path("copy/may.csv"), path)
		}, 1, 1, "it is another file by now", []string{"may.csv", "may.report.csv"}, rows},
		{"appended to", func(p *place, path string) error {
			f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = f.WriteString(sessionID(100) + ",,late@example.com,first\n")
			return err
		}, 1, 1, "it is another file by now", []string{"may.csv", "may.report.csv"}, rows + 1},
		{"written over, as long as it was", func(p *place, path string) error {
			return change(path, "person7@", "nobody7@")
		}, 1, 1, "the file has changed", []string{"may.csv"}, rows},
		{"written over beside what is sent", func(p *place, path string) error {
			return change(path, "first", "other")
		}, 1, 1, "it is another file by now", []string{"may.csv", "may.report.csv"}, rows},
		{"cut short", func(p *place, path string) error {
			return os.Truncate(path, 200)
		}, 1, 1, "the file has changed", []string{"may.csv"}, rows},
		{"taken away", func(p *place, path string) error {
			return os.Remove(path)
		}, 1, 0, "no such file", []string{"may.report.csv"}, rows},
		{"made a folder", func(p *place, path string) error {
			if err := os.Remove(path); err != nil {
				return err
			}
			return os.Mkdir(path, 0o700)
		}, 1, 1, "it is another file by now", []string{"may.csv", "may.report.csv"}, rows},
		{"made a link that leads elsewhere", func(p *place, path string) error {
			if err := os.Remove(path); err != nil {
				return err
			}
			return os.Symlink(p.path("more.csv"), path)
		}, 1, 1, "it is another file by now", []string{"may.csv", "may.report.csv"}, rows + more},
	} {
		for _, archive := range []bool{true, false} {
			name := tc.name + ", archived"
			if !archive {
				name = tc.name
			}
			t.Run(name, func(t *testing.T) {
				p := newPlace(t, sandbox.Config{})
				ok(t, os.Mkdir(p.path("in"), 0o700))
				p.contacts("in/may.csv", 0, rows)
				p.contacts("more.csv", 100, more)
				lines := p.read("in/may.csv")
				for i := range lines {
					lines[i] = append(lines[i], "first")
				}
				p.write("in/may.csv", lines)
				p.during(func() {
					if err := tc.change(p, p.path("in/may.csv")); err != nil {
						t.Error(err)
					}
				})
				args := []string{"--rate", "unlimited", "in/*.csv"}
				want := tc.plain
				if archive {
					args, want = append(args, "--archive", "done"), tc.archived
				}
				out := p.must(want, p.run(args...))
				if want == 1 && !strings.Contains(out, tc.says) {
					t.Errorf("it says\n%s\nwant %q in it", out, tc.says)
				}
				var kept []string
				if archive && want == 0 {
					kept = []string{"may-TIME.csv", "may-TIME.report.csv"}
				}
				if got := p.files("done"); !slices.Equal(got, kept) {
					t.Errorf("the archive has %q, want %q", got, kept)
				}
				in := tc.in
				if !archive && want == 0 && in == nil {
					in = []string{"may.csv", "may.report.csv"}
				}
				if got := p.files("in"); !slices.Equal(got, in) {
					t.Errorf("the inbox has %q, want %q", got, in)
				}
				if info, err := os.Stat(p.path("in/may.csv")); err != nil || !info.Mode().IsRegular() || !archive {
					return
				}
				p.run(args...).Run()
				if got := p.once(); got != tc.accepted {
					t.Errorf("%d sessions were accepted, want %d", got, tc.accepted)
				}
			})
		}
	}
}

// TestArchiveOfALink copies what a link leads to, and takes the link away.
func TestArchiveOfALink(t *testing.T) {
	t.Parallel()
	p := newPlace(t, sandbox.Config{})
	ok(t, os.Mkdir(p.path("in"), 0o700))
	p.contacts("may.csv", 0, 2)
	ok(t, os.Symlink("../may.csv", p.path("in/may.csv")))
	p.must(0, p.run("--rate", "unlimited", "--archive", "done", "in/*.csv"))
	if got := p.files("in"); got != nil {
		t.Errorf("the inbox has %q", got)
	}
	found, err := filepath.Glob(p.path("done/may-*Z.csv"))
	ok(t, err)
	if len(found) != 1 {
		t.Fatalf("the archive has %q", found)
	}
	info, err := os.Lstat(found[0])
	ok(t, err)
	if got, err := table(found[0]); err != nil || len(got) != 3 || info.Mode()&fs.ModeSymlink != 0 {
		t.Errorf("the archive has %v, %d lines of it, %v", info.Mode(), len(got), err)
	}
	if _, err := os.Stat(p.path("may.csv")); err != nil {
		t.Error(err)
	}
}

// TestArchiveNames lets names be taken, and be too long: the one counts on, the other ends at once.
func TestArchiveNames(t *testing.T) {
	t.Parallel()
	p := newPlace(t, sandbox.Config{})
	long := strings.Repeat("a", 235) // with .report it may be written, with a time it may not
	p.contacts(long+".csv", 0, 2)
	out := p.must(1, p.run("--rate", "unlimited", "--archive", "done", long+".csv"))
	if !strings.Contains(out, "/done: file name too long") || len(p.files("done")) != 0 {
		t.Errorf("it says\n%s", out)
	}
	if p.once() != 2 || !slices.Contains(p.files("."), long+".report.csv") {
		t.Errorf("accepted %d; %q", p.once(), p.files("."))
	}
}
