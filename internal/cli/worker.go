package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"hppsend/internal/ledger"
	"hppsend/internal/queue"
	"hppsend/pipeline"
)

func (s *settings) workerFlags(f *flagSet) {
	s.targetFlags(f)
	s.credentialFlags(f)
	f.IntVar(&s.concurrency, "concurrency", 16, "calls under way at once, for each run")
	f.DurationVar(&s.timeout, "timeout", 30*time.Second, "longest time for one call; past it the row is uncertain")
	f.DurationVar(&s.grace, "grace", 30*time.Second, "time for a ledger that cannot be written")
	f.StringVar(&s.listen, "listen", "", "serve /metrics, for Prometheus, and /healthz on this `ADDRESS`, such as 127.0.0.1:9180")
	f.choice(&s.logFormat, "log-format", "text", "how standard error is written", "text", "json")
	s.commonFlags(f)
}

func (s *settings) sharedFlags(f *flagSet) {
	f.BoolVar(&s.shared, "shared", false, "let the workers of all machines send it: hppsend worker; needs --ledger postgres://…")
	f.BoolVar(&s.detach, "detach", false, "with --shared: do not wait for the end; hppsend report writes the report then")
	f.IntVar(&s.priority, "priority", 2, "with --shared: before which other runs it goes, from 1, the first, to 4")
}

// worker is the worker command: it takes what was handed over on any machine.
func (a *app) worker(ctx context.Context, s *settings, _ []string) (int, error) {
	t, err := s.needTarget()
	if err != nil {
		return exitOK, err
	}
	if s.concurrency < 1 || s.concurrency > 4096 {
		return exitOK, usage(fmt.Sprintf("--concurrency is %d, and has to be 1 to 4096", s.concurrency), "hppsend worker --help tells what each flag means")
	}
	tighten, err := s.tightened()
	if err != nil {
		return exitOK, err
	}
	creds, err := a.credentialsFor(s, t)
	if err != nil {
		return exitOK, err
	}
	opening, cancel := a.untilStop(ctx)
	defer cancel()
	l, err := a.openLedger(opening, s, t, false)
	if err != nil {
		return exitOK, err
	}
	defer l.Close()
	if err := l.Shareable(); err != nil {
		return exitOK, err
	}
	caller, err := s.dial(t, creds, l)
	if err != nil {
		return exitOK, err
	}
	defer caller.Close()
	log := slog.New(slog.NewTextHandler(a.Stderr, nil))
	if s.logFormat == "json" {
		log = slog.New(slog.NewJSONHandler(a.Stderr, nil))
	}
	by := program()
	w := &queue.Worker{
		Ledger: queue.BookOf(l), Caller: caller, Target: t.Name, User: creds.Username, Concurrency: s.concurrency, Version: by.Version, Host: by.Host,
		Log: log, Record: a.recordOf, Tighten: tighten,
		Jobs: func(ctx context.Context, work func(context.Context, string, int)) (queue.Source, error) {
			return queue.TakeJobs(ctx, l, queue.Name(t.Name, creds.Username), work)
		},
	}
	stopServing, err := a.serveWorker(s, w)
	if err != nil {
		return exitOK, err
	}
	defer stopServing()
	if len(s.schedules) > 0 {
		clocking, end := context.WithCancel(opening)
		var clock sync.WaitGroup
		clock.Go(func() { pipeline.Guarded(func() error { a.clock(s, l, log).Run(clocking); return nil }) })
		defer clock.Wait()
		defer end()
	}
	a.tellLedger(l)
	a.console.sayf("This worker sends to %s, as %s, what hppsend run --shared hands over. Ctrl-C ends it: calls under way end, and what is left goes to others.", t.Name, creds.Username)
	return exitOK, w.Run(ctx, a.stop)
}

// recordOf is what the ledger keeps of a run that workers have sent.
func (a *app) recordOf(info ledger.RunInfo, t pipeline.Tally, e pipeline.Ending) json.RawMessage {
	s := summaryOf(info.Path, t)
	started, ended := info.Started.UTC(), time.Now().UTC()
	s.Run, s.Label, s.Reminder, s.Target, s.Started, s.Ended = info.ID, info.Label, info.Reminder, info.Target, &started, &ended
	s.Overrides = overridesOf(info)
	if s.Exit = checkCode(t); t.Status[pipeline.Pending] > 0 {
		s.Exit = exitPending
	}
	return encoded(s)
}

// serveWorker serves how a worker is, where that is wanted, until it is told to stop.
func (a *app) serveWorker(s *settings, w *queue.Worker) (stop func(), err error) {
	if s.listen == "" {
		return func() {}, nil
	}
	l, err := net.Listen("tcp", s.listen)
	if err != nil {
		if op := (*net.OpError)(nil); errors.As(err, &op) {
			err = op.Err
		}
		return nil, usage(fmt.Sprintf("it cannot listen on %s: %v", s.listen, err), "name a free port with --listen, or port 0 for any")
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(workerMetrics{w})
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(out http.ResponseWriter, _ *http.Request) {
		if err := w.Healthy(); err != nil {
			http.Error(out, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(out, "ok")
	})
	server := &http.Server{Handler: mux, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
	served := make(chan struct{})
	go func() {
		defer close(served)
		pipeline.Guarded(func() error { return server.Serve(l) })
	}()
	a.console.sayf("Metrics: http://%s/metrics", l.Addr())
	return func() { server.Close(); <-served }, nil
}

// workerMetrics are what a worker has done, for Prometheus.
type workerMetrics struct{ *queue.Worker }

var (
	workerCalls = prometheus.NewDesc("hppsend_worker_calls_total", "Calls to HPP since the worker began, by what they came to.", []string{"verdict"}, nil)
	workerRows  = prometheus.NewDesc("hppsend_worker_rows_total", "Rows that this worker brought to an outcome since it began.", []string{"status"}, nil)
	workerRuns  = prometheus.NewDesc("hppsend_worker_runs", "Runs that this worker works on.", nil, nil)
)

// Describe implements prometheus.Collector.
func (workerMetrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{workerCalls, workerRows, workerRuns} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (m workerMetrics) Collect(out chan<- prometheus.Metric) {
	c := m.Counts()
	for verdict, n := range c.Calls {
		out <- prometheus.MustNewConstMetric(workerCalls, prometheus.CounterValue, float64(n), verdict.String())
	}
	for status, n := range c.Rows {
		out <- prometheus.MustNewConstMetric(workerRows, prometheus.CounterValue, float64(n), string(status))
	}
	out <- prometheus.MustNewConstMetric(workerRuns, prometheus.GaugeValue, float64(c.Runs))
}
