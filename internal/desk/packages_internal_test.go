package desk

import (
	"bytes"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"
)

// TestPackages reads texts of sizes about those of packages, in stretches of any kind, as if they were not in packages.
func TestPackages(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, size := range []int{1, packageSize - 1, packageSize, packageSize + 1, 2 * packageSize, 5*packageSize + 17} {
		text := make([]byte, size)
		for i := range text {
			text[i] = byte(rng.Uint32())
		}
		p := &packages{of: bytes.NewReader(text)}
		if err := iotest.TestReader(io.NewSectionReader(p, 0, int64(size)), text); err != nil {
			t.Errorf("size %d: %v", size, err)
		}
		for range 200 {
			at, b := rng.Int64N(int64(size)+10), make([]byte, 1+rng.IntN(3*packageSize))
			m, err := p.ReadAt(b, at)
			want := text[min(at, int64(size)):min(at+int64(len(b)), int64(size))]
			if !bytes.Equal(b[:m], want) || m < len(b) && err != io.EOF || err != nil && err != io.EOF {
				t.Fatalf("size %d: %d bytes at %d give %d, %v; want %d", size, len(b), at, m, err, len(want))
			}
		}
	}
}
