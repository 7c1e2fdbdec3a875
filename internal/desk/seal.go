package desk

import (
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"

	"github.com/minio/sio"

	"hppsend/internal/ledger"
)

// key encrypts what is kept of an account's uploads. It is derived from the secret of the account's ledger, so
// that what lies in the folder can only be read beside that.
type key []byte

func (k key) derive(name string) []byte {
	mac := hmac.New(sha256.New, k)
	io.WriteString(mac, name)
	return mac.Sum(nil)
}

func (k key) aead() cipher.AEAD { return ledger.AEAD(k.derive("values")) }

// seal encrypts a value for one place, such as a column of a row: elsewhere it cannot be opened.
func (k key) seal(place, value string) []byte {
	return k.aead().Seal(nil, nil, []byte(value), []byte(place))
}

func (k key) open(place string, sealed []byte) (string, error) {
	if sealed == nil {
		return "", nil
	}
	value, err := k.aead().Open(nil, nil, sealed, []byte(place))
	if err != nil {
		return "", errors.New("what is kept of an upload cannot be decrypted: it is damaged, or of another ledger")
	}
	return string(value), nil
}

func (k key) sealJSON(place string, v any) ([]byte, error) {
	b, err := json.Marshal(v)
	return k.seal(place, string(b)), err
}

func (k key) openJSON(place string, sealed []byte, v any) error {
	text, err := k.open(place, sealed)
	if err != nil || text == "" {
		return err
	}
	return json.Unmarshal([]byte(text), v)
}

// digest stands for a value in the audit trail: it is the same for the same value, and tells nobody what that is.
func (k key) digest(value string) string {
	return hex.EncodeToString(k.derive("digest\n" + value)[:16])
}

func (k key) file(name string) sio.Config {
	return sio.Config{MinVersion: sio.Version20, CipherSuites: []byte{sio.AES_256_GCM}, Key: k.derive("file\n" + name)}
}

// writer encrypts a file as it is written. Its Close ends the last package, and does not close w.
func (k key) writer(name string, w io.Writer) (io.WriteCloser, error) {
	return sio.EncryptWriter(struct{ io.Writer }{w}, k.file(name))
}

// bytes gives what an encrypted file holds.
func (k key) bytes(name string) func(*os.File) (io.ReaderAt, int64, error) {
	return func(f *os.File) (io.ReaderAt, int64, error) {
		info, err := f.Stat()
		if err != nil {
			return nil, 0, err
		}
		size, err := sio.DecryptedSize(uint64(info.Size()))
		if err != nil {
			return nil, 0, err
		}
		plain, err := sio.DecryptReaderAt(f, k.file(name))
		return &packages{of: plain}, int64(size), err
	}
}

// newID gives the name of something, which nobody can guess.
func newID() string { return rand.Text() }
