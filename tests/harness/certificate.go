// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"
)

// Certified is a certificate for these names that this process and the Caddys in it
// trust.
func Certified(t testing.TB, names ...string) tls.Certificate {
	t.Helper()
	template := certificate("site")
	template.DNSNames = names
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	return authority.sign(t, template)
}

// CertifiedFiles are the files of such a certificate and of its key, in a folder.
func CertifiedFiles(t testing.TB, folder string, names ...string) (certificate, key string) {
	t.Helper()
	pair := Certified(t, names...)
	der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, content []byte) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("site.crt", "CERTIFICATE", pair.Certificate[0]), write("site.key", "PRIVATE KEY", der)
}
