select forge.enqueue('bench', :payload, queue => 'beside');
