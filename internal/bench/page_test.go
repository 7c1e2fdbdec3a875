//go:build unix

package bench

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// served is the upload page in a process of its own, and a person's browser.
type served struct {
	url  string
	http http.Client
	end  func() (peak int64)
}

func startPage(b *testing.B, folder string) *served {
	b.Helper()
	cmd := hppsend(b, b.Context(), folder, "serve", "--environment", "sandbox", "--addr", "127.0.0.1:0", "--max-upload", "400MB", "--quiet")
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	link, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	s := &served{url: regexp.MustCompile(`^http://[^/]+`).FindString(link)}
	if s.http.Jar, err = cookiejar.New(nil); err != nil {
		b.Fatal(err)
	}
	s.http.Transport = &http.Transport{MaxIdleConnsPerHost: 100}
	s.end = func() int64 {
		cmd.Process.Signal(os.Interrupt)
		cmd.Wait()
		return peakOf(cmd.ProcessState)
	}
	s.answer(b)(s.http.PostForm(strings.TrimSpace(link), nil))
	return s
}

// answer reads an answer, and gives how long its body is and where it was in the end.
func (s *served) answer(b *testing.B) func(*http.Response, error) (int, string) {
	return func(res *http.Response, err error) (int, string) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != http.StatusOK {
			b.Fatalf("%s: %s, %v", res.Request.URL.Path, res.Status, err)
		}
		return len(body), res.Request.URL.Path
	}
}

// upload streams a file to the page, and gives the path of the upload.
func (s *served) upload(b *testing.B, name string, from io.Reader) string {
	b.Helper()
	r, w := io.Pipe()
	form := multipart.NewWriter(w)
	go func() {
		part, err := form.CreateFormFile("file", name)
		if err == nil {
			_, err = io.Copy(part, from)
		}
		if err == nil {
			err = form.Close()
		}
		w.CloseWithError(err)
	}()
	_, at := s.answer(b)(s.http.Post(s.url+"/uploads", form.FormDataContentType(), r))
	return regexp.MustCompile(`^/uploads/\w+`).FindString(at)
}

// writeMistakes writes rows of which one in twenty has a broken contact.
func writeMistakes(to io.Writer, rows int) error {
	w := csv.NewWriter(to)
	w.Write(columns)
	for i := range rows {
		p := personAt(i)
		if i%20 == 7 {
			p.method, p.email = "email", strings.Replace(fmt.Sprintf("person.%d@example.com", i), ".com", "_com", 1)
		}
		w.Write(p.cells())
	}
	w.Flush()
	return w.Error()
}

// BenchmarkPage brings a file of half of -rows, a twentieth of them with a problem, looks at its problems, alone and as fifty
// people who click once a second, mends a cell, and asks for the preview.
func BenchmarkPage(b *testing.B) {
	n := *rows / 2
	in := input(b, writeMistakes, "in.csv", n)
	s := samples{}
	for b.Loop() {
		page := startPage(b, b.TempDir())
		f, err := os.Open(in)
		if err != nil {
			b.Fatal(err)
		}
		start := time.Now()
		upload := page.upload(b, filepath.Base(in), f)
		f.Close()
		s.add("check-s", time.Since(start).Seconds())
		look := func(p int) time.Duration {
			start := time.Now()
			page.answer(b)(page.http.Get(fmt.Sprintf("%s%s/problems?page=%d", page.url, upload, p)))
			return time.Since(start)
		}
		look(1)
		s.add("page-ms", look(2).Seconds()*1e3)
		var mu sync.Mutex
		var all []time.Duration
		var people sync.WaitGroup
		for who := range 50 {
			people.Go(func() {
				time.Sleep(time.Duration(who) * 20 * time.Millisecond) // they do not click in step
				for i := range 10 {
					took := look(1 + (who+i)%40)
					mu.Lock()
					all = append(all, took)
					mu.Unlock()
					time.Sleep(time.Second)
				}
			})
		}
		people.Wait()
		slices.Sort(all)
		s.add("50-people-p95-ms", all[len(all)*95/100].Seconds()*1e3)
		start = time.Now()
		page.answer(b)(page.http.Get(page.url + upload + "/preview"))
		s.add("preview-s", time.Since(start).Seconds())
		s.add("peak-MB", float64(page.end())/1e6)
	}
	s.report(b)
}

// BenchmarkUpload brings a file of 1,500 bytes for each of -rows, which is no table, and tells by how much that lets
// the page grow.
func BenchmarkUpload(b *testing.B) {
	size := int64(*rows) * 1500
	s := samples{}
	for b.Loop() {
		idle := startPage(b, b.TempDir())
		before := idle.end()
		page := startPage(b, b.TempDir())
		start := time.Now()
		page.upload(b, "zeros.csv", io.LimitReader(repeated{}, size))
		s.add("MB/s", float64(size)/1e6/time.Since(start).Seconds())
		s.add("grows-MB", float64(page.end()-before)/1e6)
	}
	s.report(b)
}

// repeated is a text without an end, of lines that are no table.
type repeated struct{}

func (repeated) Read(p []byte) (int, error) {
	n := copy(p, bytes.Repeat([]byte("nothing to be read here\n"), len(p)/24+1))
	return n, nil
}
