"""Three-party agreements (三方协议): taxpayer, tax authority and operator agree on debits from a wallet."""
