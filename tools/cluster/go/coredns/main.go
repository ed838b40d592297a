// CoreDNS with the plugins that the test cluster's Corefile names: the others bring clouds' whole libraries.
package main

import (
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/health"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/ready"
	_ "github.com/coredns/coredns/plugin/template"
)

func init() {
	// the order in which a query passes them, as in CoreDNS's own plugin.cfg
	dnsserver.Directives = []string{"ready", "health", "errors", "template", "kubernetes"}
}

func main() {
	coremain.Run()
}
