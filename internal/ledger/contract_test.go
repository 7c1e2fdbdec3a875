package ledger_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"hppsend/internal/ledger"
	"hppsend/internal/ledger/ledgertest"
	"hppsend/internal/ledger/servertest"
	"hppsend/pipeline"
)

func TestMain(m *testing.M) {
	code := m.Run()
	servertest.CloseShared()
	os.Exit(code)
}

func TestContract(t *testing.T) {
	ledgertest.Run(t, func(t *testing.T) ledgertest.Store {
		return storeAt(filepath.Join(t.TempDir(), "ledger.db"), "")
	})
}

func TestContractOnServer(t *testing.T) {
	server := servertest.Shared(t)
	ledgertest.Run(t, func(t *testing.T) ledgertest.Store {
		t.Parallel()
		return storeAt(server.Database(t), t.TempDir())
	})
}

func storeAt(place, state string) ledgertest.Store {
	return ledgertest.Store{
		Open: func(t *testing.T) ledgertest.Ledger {
			l, err := ledger.Open(t.Context(), ledger.Options{Path: place, State: state, Environment: "sandbox", Create: true})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { l.Close() })
			return opening{l}
		},
		Kill: func(_ *testing.T, c ledgertest.Campaign) { c.(*ledger.Run).Die() },
	}
}

// opening gives what a ledger gives as the contract's interfaces.
type opening struct{ *ledger.Ledger }

func (o opening) View(target string) ledgertest.View { return o.Ledger.View(target) }
func (o opening) Pace(target string) pipeline.Pace   { return o.Ledger.Pace(target) }

func (o opening) Begin(ctx context.Context, info ledger.RunInfo) (ledgertest.Campaign, error) {
	r, err := o.Ledger.Begin(ctx, info)
	if err != nil {
		return nil, err
	}
	return r, nil
}
