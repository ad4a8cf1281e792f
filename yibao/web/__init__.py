"""The web kit: refusals as problem+json and as pages, principals and guards, page layout. It knows no domain."""
