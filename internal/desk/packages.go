package desk

import (
	"io"
	"sync"
)

// packages keeps the last few packages of an encrypted file, each of which is decrypted as a whole however little of
// it is read.
type packages struct {
	of   io.ReaderAt
	mu   sync.Mutex
	kept [4]struct {
		n    int64 // from 1; 0 for none
		text []byte
		err  error
	}
	next int
}

// packageSize is how much of the text a package of sio's holds.
const packageSize = 64 << 10

// ReadAt implements io.ReaderAt.
func (p *packages) ReadAt(b []byte, at int64) (n int, err error) {
	for n < len(b) && err == nil {
		from := at + int64(n)
		text, ended := p.text(from/packageSize + 1)
		if skip := int(from % packageSize); skip < len(text) {
			n += copy(b[n:], text[skip:])
		} else {
			err = ended
		}
		if err == nil && len(text) < packageSize && n < len(b) {
			err = ended
		}
	}
	return n, err
}

// text gives the n-th package; its error is io.EOF at the end.
func (p *packages) text(n int64) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.kept {
		if p.kept[i].n == n {
			return p.kept[i].text, p.kept[i].err
		}
	}
	text := make([]byte, packageSize) // what was given may still be read
	m, err := p.of.ReadAt(text, (n-1)*packageSize)
	if err == nil && m < packageSize {
		err = io.EOF
	}
	one := &p.kept[p.next]
	p.next = (p.next + 1) % len(p.kept)
	one.n, one.text, one.err = n, text[:m], err
	return one.text, one.err
}
