package admin

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap"
)

// maxScrapes is how many scrapes are answered at one time. One scraper needs one; more are refused with 503, so that
// they cannot keep the node busy.
const maxScrapes = 3

// metrics answers with what c collects, the Go runtime and the process. The registry is the server's own: libraries
// that register with the global one do not show here. The answer is some 20 KB, which is not worth compressing.
func metrics(c prometheus.Collector, log *zap.Logger) http.Handler {
	r := prometheus.NewRegistry()
	r.MustRegister(c, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{
		ErrorLog:            zap.NewStdLog(log),
		ErrorHandling:       promhttp.ContinueOnError,
		MaxRequestsInFlight: maxScrapes,
		DisableCompression:  true,
	})
}
