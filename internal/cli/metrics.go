package cli

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"hppsend/pipeline"
	"hppsend/reader"
)

const lastSuccess = "hppsend_last_success_timestamp_seconds"

// writeMetrics writes how a run ended in the text format of Prometheus, for the textfile collector of
// its node exporter; the file is replaced whole. The time of the last success is kept while there is none.
func writeMetrics(path string, s summary) error {
	registry := prometheus.NewRegistry()
	gauge := func(name, help string, value float64) {
		g := prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
		g.Set(value)
		registry.MustRegister(g)
	}
	byStatus := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "hppsend_rows", Help: "Rows of the last run by status."}, []string{"status"})
	for status, n := range map[pipeline.Status]int{
		pipeline.Delivered: s.Delivered, pipeline.Rejected: s.Rejected, pipeline.Failed: s.Failed,
		pipeline.Uncertain: s.Uncertain, pipeline.Skipped: s.Skipped, pipeline.Pending: s.Pending,
	} {
		byStatus.WithLabelValues(string(status)).Set(float64(n))
	}
	registry.MustRegister(byStatus)
	took := s.Ended.Sub(*s.Started).Seconds()
	gauge("hppsend_sent_messages", "Messages that HPP accepted from the last run.", float64(s.SentNow))
	gauge("hppsend_messages_per_second", "Messages accepted for each second of the last run, the check included.", float64(s.SentNow)/max(took, 1e-3))
	gauge("hppsend_run_duration_seconds", "How long the last run took.", took)
	gauge("hppsend_run_end_timestamp_seconds", "When the last run ended.", seconds(*s.Ended))
	gauge("hppsend_run_exit_code", "The exit code of the last run.", float64(s.Exit))
	success := previous(path)
	if s.Exit == exitOK || s.Exit == exitRejected {
		success = seconds(*s.Ended)
	}
	if success > 0 {
		gauge(lastSuccess, "When a run last ended with exit code 0 or 3.", success)
	}
	return prometheus.WriteToTextfile(path, registry)
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// previous reads the time of the last success out of the file as it was; 0 when it does not tell.
func previous(path string) float64 {
	f, err := reader.OpenRegular(path)
	if err != nil {
		return 0
	}
	defer f.Close()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(f)
	if err != nil || families[lastSuccess] == nil {
		return 0
	}
	for _, m := range families[lastSuccess].Metric {
		return m.GetGauge().GetValue()
	}
	return 0
}
