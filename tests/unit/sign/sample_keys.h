/* Keys of openssl, and its signatures of the three bytes "koc". rfc_*: the test key of RFC 6979, A.2.5, which is public. */
#ifndef KOC_TESTS_SAMPLE_KEYS_H
#define KOC_TESTS_SAMPLE_KEYS_H

static const char rfc_pkcs8[] = "-----BEGIN PRIVATE KEY-----\n"
                                "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgya+p2EW6dRZrXCFX\n"
                                "Z7HWk05Qw9s26JsSe4piKxIPZyGhRANCAARg/tS6JVqdMclh63TGNW1owEm4kjth\n"
                                "+mzmaWIuYPKftnkD/hAIuLyZpBrp6VYovGTy8bIMLX6fUXejwpTURiKZ\n"
                                "-----END PRIVATE KEY-----\n";
static const char rfc_sec1[] = "-----BEGIN EC PRIVATE KEY-----\n"
                               "MHcCAQEEIMmvqdhFunUWa1whV2ex1pNOUMPbNuibEnuKYisSD2choAoGCCqGSM49\n"
                               "AwEHoUQDQgAEYP7UuiVanTHJYet0xjVtaMBJuJI7Yfps5mliLmDyn7Z5A/4QCLi8\n"
                               "maQa6elWKLxk8vGyDC1+n1F3o8KU1EYimQ==\n"
                               "-----END EC PRIVATE KEY-----\n";
static const char rfc_public[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYP7UuiVanTHJYet0xjVtaMBJuJI7\n"
    "Yfps5mliLmDyn7Z5A/4QCLi8maQa6elWKLxk8vGyDC1+n1F3o8KU1EYimQ==\n"
    "-----END PUBLIC KEY-----\n";
static const char p256_public[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEVfYD3XmL7uhKy+WmyuWem0XPf2zZ\n"
    "i4MCklxhUYOOfsFgTbrwhersGlTPh29Osa1lv78BkkSSWkL1icrSCfRrmw==\n"
    "-----END PUBLIC KEY-----\n";
static const char p384_public[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEYlKbNM8n2NRLGqQbPmULF2+Jvt2ttTte\n"
    "LT7nF4Z/pctHiiZtizKTM7Kdenl1V6JHlJTovy1/kcr+GXRE565MZV8bSUOzO3Ca\n"
    "U0VPMHbfRnCWLuU1mnu+irnzg0jator/\n"
    "-----END PUBLIC KEY-----\n";
static const char p521_public[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQAyZISnLTT3RcT6+mSwi+RDZGpNS1t\n"
    "s5K7Um5JTeJf+8RqrJyC2LsTH688k/jlYlNJr80zLEFVHzbbUtJIRLabbKgBvBnU\n"
    "jj92ducS4sDnNaa4R2fCPkfby0KtHo2u6GP17DBKzpWa2DkcuxJmfvDJNitdj2qo\n"
    "8uaKjMwX6vp24KLyFE0=\n"
    "-----END PUBLIC KEY-----\n";
static const char rsa_public[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAsj+ll76UFCvStfjauv1u\n"
    "IoyMavrpO7tTurryhx0NPp2y28+YsoJ2LC2b8RhRo2l/Me2l00U911quQ4somt6F\n"
    "dT4IN20gOavnYKnptmXzX7VOlsh3FgqAwoWXLsj5Dn7KTbiKsoKoUvCzh0DdvJ49\n"
    "DmQVhMdqCUIcm5GPlGkKMQAXH667pY3/6VbTWbEX5pf7ThfrHjIdgyFyZeaEhMF/\n"
    "jCeUFrbR6o3elLvtgoJhFOLC3c4+BFM+NuUgKlFX2pYgKsp40/MC1EQcnVJt7gfY\n"
    "ialu4SkqUc0X6ZVfDBAcLO+BJEYQF0meFBnKyoh59SqbPNCgzXPeN0MXSP1PAiM0\n"
    "0QIDAQAB\n"
    "-----END PUBLIC KEY-----\n";
static const char k256_public[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAELzQXSX5XtIA0taKtfrt7k1TJp6ovP231\n"
    "yCrv52DbI/V8nO1jZfnTAgNZQIkSMWWIOBldwktjx6WM1giSXaZkcQ==\n"
    "-----END PUBLIC KEY-----\n";
static const char small_rsa_public[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDORoe9OujedVOcYqAx18B8tMkU\n"
    "UVA/GxacEK3qsL8AbN2vq5uXPQLt6As8HmS0b8b4lce9uQS3ZP6p3l9agpUxvoMU\n"
    "FEPfFDduMKxyO7t/TQizyN6xLagGyg3jTMrkyuyEPhNMs6CFhpHsMBdKZfHX6KbX\n"
    "Q3BMPMQKJPe3D6PHqwIDAQAB\n"
    "-----END PUBLIC KEY-----\n";
static const char ed25519_public[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MCowBQYDK2VwAyEA1PnbYTdJA9SL5LI8A2G7RyYzL69zcCLIIskw2iBSY3U=\n"
    "-----END PUBLIC KEY-----\n";
static const char ed25519_private[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIJdNKl/VY9XzB2CObZh5dg61qCIBcZf0LIBRC2dLYtVJ\n"
    "-----END PRIVATE KEY-----\n";
static const char p384_private[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDB/3iCO6q8u/YnOZlAz\n"
    "Sb2rDeMkqv+e5SSiVHzWudyFmeC4geTEGy2uo/YDKGYvWPyhZANiAARiUps0zyfY\n"
    "1EsapBs+ZQsXb4m+3a21O14tPucXhn+ly0eKJm2LMpMzsp16eXVXokeUlOi/LX+R\n"
    "yv4ZdETnrkxlXxtJQ7M7cJpTRU8wdt9GcJYu5TWae76KufODSNq2iv8=\n"
    "-----END PRIVATE KEY-----\n";
static const char k256_private[] =
    "-----BEGIN EC PRIVATE KEY-----\n"
    "MHQCAQEEIJYKzRGJpzjmKSatFVQgo9wnysdWKkCjfWBApOew9yfJoAcGBSuBBAAK\n"
    "oUQDQgAELzQXSX5XtIA0taKtfrt7k1TJp6ovP231yCrv52DbI/V8nO1jZfnTAgNZ\n"
    "QIkSMWWIOBldwktjx6WM1giSXaZkcQ==\n"
    "-----END EC PRIVATE KEY-----\n";
static const char p256_signature[] =
    "3045022100b8d4356cbf0c9336b956a7844faa1e0c15ac5bc3427eb5a2e95f655c721da8c4022077"
    "3c2ea3c7ca96363758859a31bbd13dd9096829f34608b9e42e62a8e46cef4c";
static const char p384_signature[] =
    "306502303cd8a8ab52022ffc87b4badfea406b172ea03962f6f04c9b622a5bffcf5a9dd229dd9b7b"
    "312d4b7c56df7658efbd0b8f023100cc27ca7038137b07f029247bdfce472fc819e6c4b9f23ffcfb"
    "47fd0df4f597e436f7e5d153ccd34c7697e7ef501240e7";
static const char p521_signature[] =
    "308188024200edc83bf27da248ecb230e9ab0b16e37602391c3d090053b5261550a73917f6e57d78"
    "20933d6b41403b60e84acb6f57192f5034628887e668bc41bafc9125d3eae4024201a7c911ecd5ba"
    "fd199a4dcd84c8b18c8c2b275a7c3d9f13f461e9a9a480a5e9d55a1431db6b9c8b21b521f051d06b"
    "36c1887176d7cc3020911d682ee7da37604827";
static const char rsa_signature[] =
    "8a996538b835b8c65461193555fa4c6e96f6cda805a1ab2d9fd4988ca37f1401e1a11cfce9a585d1"
    "354fad9cd5195243fd3d703c824a990d0476bed93fb3dd7638b5774de2f00706b495a7f5e0beeb07"
    "74a3eb2480b613e1d87e1c6701fc72e4ff696fa362dbad34c0214e57c47028efed0cfc6530ad3ee2"
    "977ffe830262a93d574d8dbe7a042e5020a203aaa50f70e20faa46ae71efeff7bcbbfda482dd3705"
    "168df32aed9aa887f46d0ee17f12132b1dd826e7a3c0f09f6eb02e16cffb1cc068a88e4325bd5c8d"
    "3174dfb4df57fe7fc2aa54a0f989f8e595b3ff32d47a28674e5338b8d7a5c70ff40e34e5a1fc727c"
    "39633fe47a98fb5885185109386c023a";

#endif
