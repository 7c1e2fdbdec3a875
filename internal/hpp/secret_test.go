package hpp

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestSecretIsNeverPrinted(t *testing.T) {
	const password = "klarna_live_api_c2VjcmV0"
	creds := Credentials{Username: "K123456_abcd", Password: password}
	cfg := Config{Endpoint: "https://api.klarna.com", Credentials: creds, Timeout: time.Second, Concurrency: 1}
	client, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	token := client.header.Get("Authorization")[len("Basic "):]

	printed := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t"} {
		printed[verb] = fmt.Sprintf(strings.Repeat(verb+" ", 4), creds.Password, creds, &cfg, client)
	}
	var log bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		slog.New(h).Info("start", "password", creds.Password, "credentials", creds, "config", cfg, "client", client)
	}
	printed["slog"] = log.String()
	encoded, err := json.Marshal([]any{creds.Password, cfg, client})
	if err != nil {
		t.Fatal(err)
	}
	printed["json"] = string(encoded)
	printed["methods"] = creds.Password.String() + creds.Password.GoString() + creds.Password.LogValue().String()

	for how, text := range printed {
		for _, secret := range []string{password, token, fmt.Sprintf("%x", password), fmt.Sprintf("%X", password)} {
			if strings.Contains(text, secret) {
				t.Errorf("%s prints a secret", how) // and not the text, which holds it
			}
		}
		if !strings.Contains(text, masked) {
			t.Errorf("%s prints no mask: %s", how, text)
		}
	}
}
